/**
 * `npm run test:browser`: WebRTC calls with `frameseal/webrtc` in Debian's Chromium and Firefox, between two peer connections
 * of a page, in a network namespace that is connected to nothing; vectors and transforms in a page and a worker, with and without
 * WebAssembly ("units"); and the call of examples/webrtc in Chromium. Installs the browsers, and esbuild in build/platforms,
 * where they are missing. Prints a line for each call; the exit code is 1 where one is not as it must be.
 *
 *     --browser chromium|firefox   that one only          --only TEXT   calls whose name holds the text
 *     --minutes N                  H.264 at 4 Mbit/s for so long, and nothing else
 *     --speed                      no call: the time of a frame against WebCrypto, in a worker of Chromium
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { needTools } from '../e2e/tools.mjs';
import { bundle, needPackages } from '../platforms/packages.mjs';
import { BROWSERS } from './browsers.mjs';
import { CASES, faultsOf, lineOf, longCall } from './cases.mjs';
import { callInExample, EXAMPLE } from './example.mjs';
import { serveCalls } from './server.mjs';
import { measureSpeed } from './speed.mjs';
import { runUnits, UNITS } from './units.mjs';

const say = (text) => process.stdout.write(`browser: ${text}\n`);
const OPTIONS = {
  browser: { type: 'string' },
  only: { type: 'string' },
  minutes: { type: 'string' },
  speed: { type: 'boolean' },
  inside: { type: 'boolean' },
};

/** Firefox has no candidates on loopback: a pair of interfaces that are connected to each other, and to nothing else. */
const NETWORK = [
  'ip link set lo up',
  'ip link add calls0 type veth peer name calls1',
  'ip addr add 10.99.0.1/24 dev calls0',
  'ip link set calls0 up',
  'ip link set calls1 up',
  'ip route add default dev calls0',
];

const { values: options } = parseArgs({ options: OPTIONS });
const names = options.browser === undefined ? Object.keys(BROWSERS) : [options.browser];
let wrong = 0;
if (options.inside) await runAll();
else await prepare();

/** Installs, and starts this again where there is no network but loopback. */
async function prepare() {
  needTools(Object.fromEntries(names.map((name) => [BROWSERS[name].program, BROWSERS[name].package])), say);
  needPackages(say);
  const script = [...NETWORK, 'exec "$@"'].join(' && ');
  const again = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2), '--inside'];
  const { status } = spawnSync('unshare', ['-n', 'sh', '-c', script, 'sh', ...again], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

async function runAll() {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  if (options.speed) {
    say(await BROWSERS.chromium.version());
    report('speed', await measureSpeed(BROWSERS.chromium, say));
  } else {
    if (!options.minutes && UNITS.includes(options.only ?? '')) await runAllUnits();
    await runCalls();
    if (names.includes('chromium') && !options.minutes && EXAMPLE.includes(options.only ?? '')) await runExample();
  }
  say(wrong === 0 ? 'all as they must be' : `calls that are not as they must be: ${wrong}`);
  process.exitCode = wrong === 0 ? 0 : 1;
}

async function runAllUnits() {
  for (const name of names) {
    say(await BROWSERS[name].version());
    await runUnits(BROWSERS[name], report);
  }
}

async function runCalls() {
  const scripts = {
    '/page.js': await bundle('../browser/page.mjs'),
    '/worker.js': await bundle('../browser/worker.mjs'),
  };
  const cases = options.minutes ? [longCall(Number(options.minutes))] : CASES;
  const wanted = cases.filter(({ name }) => name.includes(options.only ?? ''));
  if (wanted.length === 0) return;
  for (const name of names) {
    const { version, open } = BROWSERS[name];
    say(await version());
    const failed = await serveCalls(scripts, wanted, open, (observed) => {
      const { name } = observed;
      report(
        lineOf(observed),
        ...faultsOf(
          wanted.find((each) => each.name === name),
          observed,
        ),
      );
    });
    if (failed !== undefined) report(name, failed);
  }
}

async function runExample() {
  const { line, faults } = await callInExample().catch((error) => ({ line: '', faults: [error.message] }));
  report(`${EXAMPLE}: ${line}`, ...faults);
}

/** A line for a call, and one for each thing that is wrong with it. */
function report(line, ...faults) {
  const found = faults.filter((fault) => fault !== undefined);
  if (found.length > 0) wrong++;
  say(`${found.length === 0 ? 'ok    ' : 'WRONG '} ${line}`);
  for (const fault of found) say(`         ${fault}`);
}
