/**
 * `npm run mutate`: breaks one rule after the other in copies of the sources, and runs the tests that must notice.
 *
 *     format     rules of FORMAT.md, judged by the files of vectors in fixtures/
 *     state      order, wiping and exception paths, judged by the unit tests that each rule names
 *
 * A mutation that nothing notices is a survivor: vectors or tests have a hole, and the exit code is 1.
 */
import { Command } from 'commander';
import { FORMAT_RULES } from './format.mjs';
import { Copy, checkMutations } from './run.mjs';
import { CHANNEL_RULES } from './state-channel.mjs';
import { ENGINE_RULES } from './state-engine.mjs';
import { FRAME_RULES } from './state-frames.mjs';
import { RECORDING_RULES } from './state-recording.mjs';
import { SENDER_RULES } from './state-senders.mjs';
import { SIMD_RULES } from './state-simd.mjs';
import { SRTP_RULES } from './state-srtp.mjs';
import { WEBRTC_RULES } from './state-webrtc.mjs';

/** Copies at work side by side. */
const COPIES = 2;

const { only = '' } = new Command('mutate')
  .description('Breaks one rule after the other in copies of the sources; vectors and unit tests must notice each.')
  .option('--only <text>', 'those whose file and name contain the text')
  .parse()
  .opts();

/**
 * Groups `{ file, tests, build, mutations }` as single mutations. A state rule's `tests` judge in their order; with `build`
 * they need dist. `edits` are pairs of what stands there and what is put there.
 */
function mutationsOf(kind, groups) {
  return groups.flatMap(({ file, tests, build = false, mutations }) =>
    mutations.map(([rule, ...texts]) => {
      const edits = texts.flatMap((before, i) => (i % 2 === 0 ? [[before, texts[i + 1]]] : []));
      return { kind, name: `${file}: ${rule}`, file, edits, tests, build };
    }),
  );
}

const all = [
  ...mutationsOf('format', FORMAT_RULES),
  ...mutationsOf('state', [
    ...FRAME_RULES,
    ...CHANNEL_RULES,
    ...SENDER_RULES,
    ...ENGINE_RULES,
    ...SIMD_RULES,
    ...SRTP_RULES,
    ...WEBRTC_RULES,
    ...RECORDING_RULES,
  ]),
].filter(({ name }) => name.includes(only));
if (all.length === 0) throw new Error(`no mutation has '${only}' in its name`);

checkMutations(all);
const copies = Array.from({ length: COPIES }, (_, i) => new Copy(`${i}`));
const tests = [...new Set(all.flatMap((mutation) => mutation.tests ?? []))];
await Promise.all(copies.map((copy, i) => copy.checkUnchanged(tests.filter((_, j) => j % COPIES === i))));
process.stdout.write(`the unchanged code passes vectors and tests; ${all.length} mutations follow\n`);

const survivors = [];
let next = 0;
let done = 0;
async function work(copy) {
  while (next < all.length) {
    const mutation = all[next++];
    const noticed = await copy.notices(mutation);
    if (!noticed) survivors.push(mutation);
    done++;
    process.stdout.write(`${done}/${all.length} ${noticed ? 'noticed ' : 'SURVIVED'} ${mutation.name}\n`);
  }
}
await Promise.all(copies.map(work));

const judges = { format: 'by vectors', state: 'by unit tests' };
for (const [kind, judge] of Object.entries(judges)) {
  const total = all.filter((mutation) => mutation.kind === kind).length;
  const survived = survivors.filter((mutation) => mutation.kind === kind).length;
  if (total > 0) process.stdout.write(`${kind}: ${total - survived} of ${total} mutations noticed ${judge}\n`);
}
for (const { name } of survivors) process.stdout.write(`survivor: ${name}\n`);
process.exitCode = survivors.length > 0 ? 1 : 0;
