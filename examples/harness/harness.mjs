/**
 * A harness for another implementation: runs the cases of vector files on it, whichever known format they have.
 *
 *     node examples/harness/harness.mjs examples/harness/node-crypto.mjs fixtures/*.json
 *
 * The implementation is a module with a function for each kind of case that it has (fixtures/README.md): it gets the case, and
 * returns `[expected, got]` pairs. Other kinds are counted as skipped. The exit code is 1 where one differs, 2 where none ran.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readVectors } from 'frameseal/vectors';

const [, , implementation, ...files] = process.argv;
const run = await import(pathToFileURL(resolve(implementation)).href);
const counts = { agreed: 0, differed: 0, skipped: 0 };

for (const file of files) {
  for (const test of readVectors(readFileSync(file, 'utf8')).cases) {
    const pairs = run[test.kind]?.(test);
    const different = pairs?.find(([expected, got]) => expected !== got);
    counts[pairs === undefined ? 'skipped' : different ? 'differed' : 'agreed']++;
    if (different) console.log(`${file}, ${test.id}: expected ${different[0]}, got ${different[1]}`);
  }
}
console.log(
  `${counts.agreed} cases agree, ${counts.differed} differ, ${counts.skipped} are of kinds that it does not have`,
);
process.exitCode = counts.differed > 0 ? 1 : counts.agreed > 0 ? 0 : 2;
