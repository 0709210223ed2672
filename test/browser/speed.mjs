/** `npm run test:browser -- --speed`: the time of a frame in a browser's worker against WebCrypto, one run, as a table. */
import { loadavg } from 'node:os';
import { bundle } from '../platforms/packages.mjs';
import { serveCalls } from './server.mjs';

const SIZES = [1000, 20_000, 200_000];
const MODES = [
  { mode: 'AES_128_GCM2', bits: 128 },
  { mode: 'AES_256_GCM2', bits: 256 },
];
/** For the time limit alone. */
const SECONDS = 20;

/** Prints rows as they come; returns why the measurement failed, if it did. */
export async function measureSpeed({ open }, say) {
  const scripts = {
    '/page.js': await bundle('../browser/speed-page.mjs'),
    '/worker.js': await bundle('../browser/speed-worker.mjs'),
  };
  const cases = MODES.flatMap((each) =>
    ['seal', 'open'].flatMap((operation) => SIZES.map((bytes) => ({ ...each, operation, bytes, seconds: SECONDS }))),
  );
  say(`microseconds a frame, medians; load ${load()}`);
  say(row(['', 'frameseal', 'WebCrypto', 'ratio', 'in flight', 'ratio']));
  const failed = await serveCalls(scripts, cases, open, ({ bits, operation, bytes, us }) => {
    const { frameseal, awaited, 'in flight': inFlight } = us;
    const name = `${operation} ${bytes / 1000} kB, AES-${bits}`;
    say(row([name, us1(frameseal), us1(awaited), ratio(awaited), us1(inFlight), ratio(inFlight)]));
    function ratio(other) {
      return `${(other / frameseal).toFixed(2)}x`;
    }
  });
  say(`ratios above 1: frameseal is faster; load ${load()}`);
  return failed;
}

function row([name, ...cells]) {
  return name.padEnd(22) + cells.map((cell) => cell.padStart(11)).join('');
}

function us1(value) {
  return value.toFixed(1);
}

function load() {
  return loadavg()[0].toFixed(1);
}
