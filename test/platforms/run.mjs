/**
 * `npm run test:platforms`: one suite, the vectors and the core of the contract, on the packed library in every runtime.
 *
 *     Node 20, 22, 24, 26, Deno, Bun    with worker threads under one key
 *     workerd     which takes WebAssembly as imported modules only
 *     Chromium    pages and module workers, with and without 'wasm-unsafe-eval' in their Content-Security-Policy
 *
 * The last two have `WebAssembly.validate` say yes where compiling is forbidden. Below is what each must observe; no check may
 * fail, and each platform must make the same number of assertions. Prints a line for each platform and a table; the exit code is 1
 * where one differs. Installs Chromium from Debian, and the others in build/platforms, where they are missing.
 *
 * `npm run test:platforms -- Deno Bun` runs those whose names begin with one of the words.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { needTools } from '../e2e/tools.mjs';
import { chromiumVersion, observeInChromium } from './chromium.mjs';
import { bundle, needPackages, versionOf } from './packages.mjs';
import { observeInProgram, programs } from './programs.mjs';
import { inProject, makeProject, PROJECT } from './project.mjs';
import { PLACES } from './server.mjs';
import { tableOf } from './table.mjs';
import { observeInWorkerd } from './workerd.mjs';

const FORBIDDEN = { validates: true, compiles: false, auto: 'portable', simd: 'EngineError' };
const ALLOWED = { validates: true, compiles: true, auto: 'simd', simd: 'simd' };
const GIVEN = { validates: true, compiles: false, before: 'EngineError,portable', auto: 'simd', simd: 'simd' };
const THREADED = { ...ALLOWED, senders: 1200 };

const POLICIES = [
  { policy: "script-src 'self'", expected: FORBIDDEN },
  { policy: "script-src 'self' 'wasm-unsafe-eval'", expected: ALLOWED },
];
const WORKERS = [
  { module: 'no module', script: 'worker.mjs', expected: FORBIDDEN },
  { module: 'simd.wasm given', script: 'worker-module.mjs', wasm: 'frameseal/simd.wasm', expected: GIVEN },
];

/** For all platforms together. */
const PLATFORMS_LIMIT_MS = 1_200_000;

const wanted = process.argv.slice(2);
const rows = [];

// An exit ends what is running and removes temporary directories; a signal alone does not.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
setTimeout(giveUp, PLATFORMS_LIMIT_MS).unref();
needPackages(say);
makeProject();
for (const { name, command } of programs()) {
  if (isWanted(name)) await observe(name, THREADED, () => observeInProgram(command));
}
if (isWanted('workerd')) await inWorkerd();
if (isWanted('Chromium')) await inChromium();
conclude();

function isWanted(name) {
  return wanted.length === 0 || wanted.some((word) => name.startsWith(word));
}

async function inChromium() {
  needTools({ chromium: 'chromium' }, say);
  const name = `Chromium ${await chromiumVersion()}`;
  const script = await bundle(inProject('client.mjs'));
  for (const { policy, expected } of POLICIES) {
    const startMs = performance.now();
    const observed = await observeInChromium(policy, script);
    for (const place of PLACES) add(`${name}, ${place}, ${policy}`, expected, observed[place], startMs);
  }
}

async function inWorkerd() {
  for (const { module, script, wasm, expected } of WORKERS) {
    await observe(`workerd ${versionOf('workerd')}, ${module}`, expected, async () => {
      const bytes = wasm && readFileSync(createRequire(PROJECT).resolve(wasm));
      return observeInWorkerd(await bundle(inProject(script)), bytes);
    });
  }
}

async function observe(name, expected, run) {
  const startMs = performance.now();
  let observed;
  try {
    observed = await run();
  } catch (error) {
    observed = { failed: error.message };
  }
  add(observed.runtime ?? name, expected, observed, startMs);
}

/** A line for the platform, and one more for each thing that differs. */
function add(name, expected, observed, startMs) {
  const differences = observed.failed === undefined ? differencesOf(observed, expected) : [observed.failed];
  rows.push({ name, observed, differences, seconds: (performance.now() - startMs) / 1000 });
  say(`${differences.length === 0 ? 'ok    ' : 'WRONG '} ${name}`);
  for (const difference of differences) say(`         ${difference}`);
}

function differencesOf(observed, expected) {
  const facts = Object.keys(expected).filter((key) => observed[key] !== expected[key]);
  const { faults, checks, assertions } = observed;
  const failures = faults.length === 0 ? [] : [`${faults.length} of ${checks} checks fail; the first: ${faults[0]}`];
  const most = Math.max(...rows.map((row) => row.observed.assertions ?? 0), 1);
  if (failures.length === 0 && rows.length > 0 && assertions !== most) {
    failures.push(`${assertions} assertions, expected ${most} as on the platforms before`);
  }
  return [...facts.map((key) => `${key}: ${observed[key]}, expected ${expected[key]}`), ...failures];
}

function conclude() {
  process.stdout.write(`\n${tableOf(rows).join('\n')}\n\n`);
  const failed = rows.filter(({ differences }) => differences.length > 0).length;
  process.stdout.write(`${rows.length - failed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 && rows.length > 0 ? 0 : 1;
}

function giveUp() {
  say(`not done after ${PLATFORMS_LIMIT_MS / 1000} s`);
  process.exit(1);
}

function say(text) {
  process.stdout.write(`platforms: ${text}\n`);
}
