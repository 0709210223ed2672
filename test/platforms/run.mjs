/**
 * `npm run test:platforms`: platforms where `WebAssembly.validate` says yes and compiling is forbidden all the same.
 *
 *     Chromium    pages and module workers, with and without 'wasm-unsafe-eval' in their Content-Security-Policy
 *     workerd     which takes WebAssembly as imported modules only
 *
 * Each runs observe.mjs on the built package; below is what each must observe, and no check may fail anywhere. Prints a
 * line for each case; the exit code is 1 where one differs. Installs Chromium from Debian, and miniflare and esbuild in
 * build/platforms, where they are missing.
 */
import { readFileSync } from 'node:fs';
import { needTools } from '../e2e/tools.mjs';
import { chromiumVersion, observeInChromium } from './chromium.mjs';
import { bundle, needPackages, versionOf } from './packages.mjs';
import { PLACES } from './server.mjs';
import { observeInWorkerd } from './workerd.mjs';

const FORBIDDEN = { validates: true, compiles: false, auto: 'portable', simd: 'EngineError' };
const ALLOWED = { validates: true, compiles: true, auto: 'simd', simd: 'simd' };
const GIVEN = { validates: true, compiles: false, before: 'EngineError,portable', auto: 'simd', simd: 'simd' };

const POLICIES = [
  { policy: "script-src 'self'", expected: FORBIDDEN },
  { policy: "script-src 'self' 'wasm-unsafe-eval'", expected: ALLOWED },
];
const WORKERS = [
  { policy: 'no module', script: 'worker.mjs', expected: FORBIDDEN },
  { policy: 'simd.wasm given', script: 'worker-module.mjs', module: 'frameseal/simd.wasm', expected: GIVEN },
];

/** For all cases together: a platform that hangs while it ends is no reason to wait for ever. */
const CASES_LIMIT_MS = 600_000;

let wrong = 0;

// An exit ends what is running and removes temporary directories; a signal alone does not.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
needTools({ chromium: 'chromium' }, say);
needPackages(say);
setTimeout(giveUp, CASES_LIMIT_MS).unref();
await inChromium();
await inWorkerd();
say(wrong === 0 ? 'all as expected' : `cases that differ: ${wrong}`);
process.exitCode = wrong === 0 ? 0 : 1;

async function inChromium() {
  const name = `Chromium ${await chromiumVersion()}`;
  const script = await bundle('client.mjs');
  for (const { policy, expected } of POLICIES) {
    const observed = await observeInChromium(policy, script);
    for (const place of PLACES) report(`${name}, ${place}, ${policy}`, observed[place], expected);
  }
}

async function inWorkerd() {
  const name = `workerd ${versionOf('workerd')}`;
  for (const { policy, script, module, expected } of WORKERS) {
    report(`${name}, ${policy}`, await observeWorker(script, module), expected);
  }
}

async function observeWorker(script, module) {
  let wasm;
  try {
    if (module !== undefined) wasm = readFileSync(new URL(import.meta.resolve(module)));
  } catch (error) {
    return { failed: error.message };
  }
  return observeInWorkerd(await bundle(script), wasm);
}

/** One line a case, and one more for each thing that differs. */
function report(name, observed, expected) {
  const differences = observed.failed === undefined ? differencesOf(observed, expected) : [observed.failed];
  if (differences.length === 0) {
    const { auto, simd, checks } = observed;
    say(`ok     ${name}: 'auto' gives ${auto}, 'simd' gives ${simd}, ${checks} checks pass`);
    return;
  }
  wrong++;
  say(`WRONG  ${name}`);
  for (const difference of differences) say(`         ${difference}`);
}

function differencesOf(observed, expected) {
  const facts = Object.keys(expected).filter((key) => observed[key] !== expected[key]);
  const { faults, checks } = observed;
  const failures = faults.length === 0 ? [] : [`${faults.length} of ${checks} checks fail; the first: ${faults[0]}`];
  return [...facts.map((key) => `${key}: ${observed[key]}, expected ${expected[key]}`), ...failures];
}

function giveUp() {
  say(`not done after ${CASES_LIMIT_MS / 1000} s`);
  process.exit(1);
}

function say(text) {
  process.stdout.write(`platforms: ${text}\n`);
}
