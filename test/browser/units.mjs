/** Vectors and frameseal/webrtc in a page and in a worker, under policies that forbid and allow WebAssembly. No call. */
import { readdirSync, readFileSync } from 'node:fs';
import { bundle } from '../platforms/packages.mjs';
import { PLACES, servePage } from '../platforms/server.mjs';

export const UNITS = 'units';
const LIMIT_MS = 120_000;
const POLICIES = [
  { policy: "script-src 'self'", expected: { auto: 'portable', simd: 'EngineError' } },
  { policy: "script-src 'self' 'wasm-unsafe-eval'", expected: { auto: 'simd', simd: 'simd' } },
];
/** Cases of fips197.json are bare blocks, which no public function computes. */
const OMITTED = ['fips197.json'];

/** Runs all of it in a browser; `report` gets a line and its faults for each place. */
export async function runUnits({ open }, report) {
  const script = await bundle('../browser/unit-client.mjs');
  const cases = vectorsInFixtures();
  for (const { policy, expected } of POLICIES) {
    const { address, reports, close } = await servePage(policy, script, LIMIT_MS);
    try {
      const all = Promise.all(PLACES.map((place) => reports[place]));
      const failed = await open(
        address,
        all.then(() => undefined),
      );
      const observed = failed === undefined ? await all : PLACES.map(() => ({ failed }));
      for (const [i, place] of PLACES.entries())
        reportPlace(`${UNITS}, ${place}, ${policy}`, observed[i], { ...expected, vectors: cases }, report);
    } finally {
      close();
    }
  }
}

function reportPlace(name, observed, expected, report) {
  if (observed.failed !== undefined) return report(name, observed.failed);
  const { auto, vectors, transforms, checks, faults } = observed;
  const different = Object.keys(expected).filter((key) => observed[key] !== expected[key]);
  report(
    `${name}: engine ${auto}, ${vectors} vectors agree, ${transforms + checks} checks of channels and transforms`,
    ...different.map((key) => `${key}: ${observed[key]}, expected ${expected[key]}`),
    ...faults,
  );
}

/** How many cases the files have, counted here: a file that the browser's script leaves out is noticed. */
function vectorsInFixtures() {
  const folder = new URL('../../fixtures/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !OMITTED.includes(name));
  const files = names.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
  const lists = files.flatMap(({ cases = [], channels = [] }) => [cases, ...channels.map((each) => each.cases)]);
  return lists.reduce((sum, cases) => sum + cases.length, 0);
}
