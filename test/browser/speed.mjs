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
  say(`microseconds a frame: median, and the least in brackets; ratios of medians; load ${load()}`);
  say(row(['', 'frameseal', 'WebCrypto', 'ratio', 'in flight', 'ratio']));
  const failed = await serveCalls(scripts, cases, open, ({ bits, operation, bytes, us }) => {
    const { frameseal, awaited, 'in flight': inFlight } = us;
    const ratio = ({ median }) => `${(median / frameseal.median).toFixed(2)}x`;
    const name = `${operation} ${bytes / 1000} kB, AES-${bits}`;
    say(row([name, timeOf(frameseal), timeOf(awaited), ratio(awaited), timeOf(inFlight), ratio(inFlight)]));
  });
  say(`ratios above 1: frameseal is faster; load ${load()}`);
  return failed;
}

function row([name, ...cells]) {
  return name.padEnd(22) + cells.map((cell) => cell.padStart(18)).join('');
}

function timeOf({ median, least }) {
  return `${median.toFixed(1)} (${least.toFixed(1)})`;
}

function load() {
  return loadavg()[0].toFixed(1);
}
