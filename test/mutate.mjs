/**
 * `npm run mutate`: breaks one rule of the format after the other in a copy of the sources, and runs the vectors on it.
 * A change that no vector notices is a survivor: the vectors have a hole, and the exit code is 1.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const ROOT = new URL('..', import.meta.url).pathname;
const MUTANT = `${ROOT}build/mutant/`;

/** Runs files of vectors on the copy: it fails where one of them disagrees. */
const VERIFY = `
  import { readFileSync } from 'node:fs';
  import { verifyVectors } from './dist/vectors/verify.js';
  const disagrees = (file) => verifyVectors(readFileSync(file, 'utf8')).disagreements.length > 0;
  process.exitCode = process.argv.slice(1).some(disagrees) ? 1 : 0;
`;

/** By file: the rule that is broken, what stands there (once), and what is put in its place. */
const MUTATIONS = {
  'src/channel/keys.ts': [
    ['base key label', ' base key `, []', ' base-key `, []'],
    ['format version in the label', 'new Info(`frameseal/1 $', 'new Info(`frameseal/2 $'],
    ['mode in the base key label', '`frameseal/1 ${mode} base key `', '`frameseal/1 AES_128_GCM2 base key `'],
    ['fingerprint label', '`frameseal/1 ${mode} fingerprint`', '`frameseal/1 ${mode} finger print`'],
    ['fingerprint length and order', '.replace(/(....)(?=.)/g', '.replace(/(...)(?=.)/g'],
    ['frame key label', "'SFrame 1.0 Secret key '", "'SFrame 1.0 Secret Key '"],
    ['frame salt label', "'SFrame 1.0 Secret salt '", "'SFrame 1.0 Secret salt'"],
    ['order of the cipher suite', "Secret salt ', [id >>> 8, id & 0xff]", "Secret salt ', [id & 0xff, id >>> 8]"],
    ['number of a cipher suite', 'id: 5,', 'id: 4,'],
    ['salt and key exchanged in Extract', 'extract(hash, key, salt)', 'extract(hash, salt, key)'],
    [
      'halves of the KID exchanged',
      'store32(this.bytes, this.#kidAt, kidHigh)',
      'store32(this.bytes, this.#kidAt, kidLow)',
    ],
    [
      'a base key without its own KID',
      'this.#baseKeyInfo.withKid(kidHigh, kidLow)',
      'this.#baseKeyInfo.withKid(kidHigh, 0)',
    ],
    [
      'length of the empty salt',
      'this.#noSalt = hmac.create(hash, new Uint8Array(hashBytes))',
      'this.#noSalt = hmac.create(hash, new Uint8Array([1]))',
    ],
    ['SM4 key label', "'frameseal/1 SM4_128_ECB key'", "'frameseal/1 SM4_128_ECB  key'"],
    ['SM4 fingerprint label', "'frameseal/1 SM4_128_ECB fingerprint'", "'frameseal/1 SM4_128_ECB fingerprints'"],
    ['SM4 keys of 16 bytes as they are', 'if (config.key.length === 16) {', 'if (config.key.length === 0) {'],
  ],
  'src/channel/keyring.ts': [
    ['place of keyId in the KID', '(this.sealing.keyId << 28)', '(this.sealing.keyId << 27)'],
    [
      'own frames are refused',
      'return this.#own.find(kidHigh, kidLow) >= 0;',
      'return this.#own.find(kidHigh, kidLow) > 1e9;',
    ],
  ],
  'src/channel/sealer.ts': [
    ['counter in the nonce', 'this.#saltWord ^ ctr', 'this.#saltWord ^ (ctr + 1)'],
    ['salt in the nonce', 'this.#job.nonce.set(schedule.frameSalt);', 'this.#job.nonce.fill(0);'],
    [
      'metadata behind the SFrame header',
      'writeMetadata(job.aad, sframeLength, input',
      'writeMetadata(job.aad, 0, input',
    ],
    [
      'exact room for the result',
      'if (out.length < written) return NO_ROOM;',
      'if (out.length <= written) return NO_ROOM;',
    ],
  ],
  'src/channel/opener.ts': [
    ['upper half of the counter in the nonce', '^ (high >>> shift)', '^ 0'],
    [
      'metadata behind the SFrame header',
      'writeMetadata(job.aad, sframeLength, input',
      'writeMetadata(job.aad, 0, input',
    ],
    ['keyId are the upper four bits', 'find(kidHigh >>> 28)', 'find(kidHigh >>> 27)'],
    ['replays are refused', 'if (replay < 0) return replay;\n\n    const job', 'const job'],
    ['the window moves', 'sender.window.accept(ctr);\n    this.#noteSender(kidHigh', 'this.#noteSender(kidHigh'],
    ['tags are checked', 'if (!genuine) return BAD_TAG;', ''],
    ['room for a tag', 'if (textLength < 0) return MALFORMED;', 'if (textLength < 1) return MALFORMED;'],
    [
      'NO_ROOM comes before the tag',
      'if (out.length < written) return NO_ROOM;',
      'if (out.length < written) return BAD_TAG;',
    ],
  ],
  'src/channel/sm4-sealer.ts': [
    ['a whole block of padding', '((length - headerLength) & ~15) + 16', '(length - headerLength + 15) & ~15'],
  ],
  'src/channel/sm4-opener.ts': [
    ['empty input', 'if (length === 0) return MALFORMED;', 'if (length === 0) return BAD_TAG;'],
    [
      'room comes before blocks',
      'if (out.length < length) return NO_ROOM;',
      'if (out.length < length) return BAD_TAG;',
    ],
  ],
  'src/channel/frames.ts': [
    [
      'bindHeader false: one byte of metadata',
      'headerLength === 0 ? headerLength : 1',
      'headerLength === 0 ? headerLength : 0',
    ],
    [
      'bindHeader true: the whole header',
      'copyHeader(input, aad, at, headerLength);',
      'copyHeader(input, aad, at, 12);',
    ],
    [
      'no metadata in frame framing',
      "this.framing === 'rtp' ? rtpHeaderLength(input, length) : 0",
      'rtpHeaderLength(input, length)',
    ],
  ],
  'src/channel/config.ts': [['hex keys are hex', 'fromHex(', 'new TextEncoder().encode(']],
  'src/replay.ts': [
    ['edge of the window', 'this.#highest - index >= this.size', 'this.#highest - index > this.size'],
    ['a replay is told from an old frame', '& 1 ? REPLAYED : 0', '& 1 ? TOO_OLD : 0'],
  ],
  'src/wire/sframe.ts': [
    [
      'order of KID and CTR on the wire',
      'store32(out, at + 1, kidHigh);\n  store32(out, at + 5, kidLow);',
      'store32(out, at + 5, kidHigh);\n  store32(out, at + 1, kidLow);',
    ],
    ['X bit and K', '0xf0 | (bytes', '0x70 | (bytes'],
    ['CTR in the config byte up to 7', 'if (ctr < 8) return 0;', 'if (ctr < 7) return 0;'],
    ['steps of the CTR length', 'if (ctr < 0x10000) return 2;', 'if (ctr <= 0x10000) return 2;'],
    ['order of the CTR bytes', 'ctr >>> (8 * (bytes - 1 - i))', 'ctr >>> (8 * i)'],
    ['minimal lengths: small values', 'low >= 8', 'low >= 0'],
    ['minimal lengths: zero bytes', 'frame[at] !== 0', 'frame[at] !== 256'],
    ['largest CTR', 'if (this.#high >>> 0 >= CTR_HIGH_LIMIT) return MALFORMED;', ''],
    ['a header that is cut short', 'if (end - at < length) return MALFORMED;', ''],
    ['length of a KID', '((config >>> 4) & 7) + 1 : 0', '((config >>> 4) & 7) : 0'],
  ],
  'src/wire/rtp.ts': [
    ['version 2', 'if (first >>> 6 !== 2) return NOT_RTP;', ''],
    ['empty input', 'if (length === 0) return MALFORMED;', 'if (length === 0) return NOT_RTP;'],
    ['RTCP payload types', 'second >= 192 && second <= 223', 'second >= 200 && second <= 204'],
    ['compound lengths add up', '? RTCP : NOT_RTP', '? RTCP : RTCP'],
    ['CSRCs belong to the header', '4 * (first & 15)', '4 * (first & 7)'],
    ['extensions belong to the header', '(first & 0x10) !== 0', '(first & 0x10) === 0x30'],
    ['length of an extension', 'header += 4 + 4 *', 'header += 4 *'],
    ['a header that is cut short', 'return length < header ? MALFORMED : header;', 'return header;'],
    ['the P bit is bound', '& 0x20;', '& 0x00;'],
  ],
};

const vectors = readdirSync(`${ROOT}fixtures`)
  .filter((name) => name.endsWith('.json'))
  .map((name) => `${ROOT}fixtures/${name}`);
const all = Object.entries(MUTATIONS).flatMap(([file, list]) => list.map((mutation) => ({ file, mutation })));
const survivors = [];

for (const { file, mutation } of all) {
  const places = readFileSync(`${ROOT}${file}`, 'utf8').split(mutation[1]).length - 1;
  if (places !== 1)
    throw new Error(`${file}: "${mutation[1]}" must stand there once, not ${places} times: mend this list`);
}

prepare();
if (!noticed())
  process.stdout.write(
    `the unchanged code passes ${vectors.length} files of vectors; ${all.length} mutations follow\n`,
  );
else throw new Error('the unchanged code fails the vectors: nothing can be learnt');
for (const [i, { file, mutation }] of all.entries()) {
  const [rule, before, after] = mutation;
  const path = `${MUTANT}${file}`;
  const source = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    source.replace(before, () => after),
  );
  const killed = noticed();
  writeFileSync(path, source);
  if (!killed) survivors.push(`${file}: ${rule}`);
  process.stdout.write(`${i + 1}/${all.length} ${killed ? 'noticed ' : 'SURVIVED'} ${file}: ${rule}\n`);
}
process.stdout.write(`${all.length - survivors.length} of ${all.length} mutations noticed\n`);
for (const survivor of survivors) process.stdout.write(`survivor: ${survivor}\n`);
process.exitCode = survivors.length > 0 ? 1 : 0;

function prepare() {
  rmSync(MUTANT, { recursive: true, force: true });
  mkdirSync(MUTANT, { recursive: true });
  for (const name of ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    cpSync(`${ROOT}${name}`, `${MUTANT}${name}`, { recursive: true, filter: (path) => path !== `${ROOT}src/cli` });
  }
}

/** Builds the copy and runs the vectors on it: true where they do not all agree. */
function noticed() {
  const compiler = `${ROOT}node_modules/typescript/bin/tsc`;
  // Unused names and unreachable code are no reason to stop: the compiler writes its output all the same.
  spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: MUTANT });
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', VERIFY, ...vectors], {
    cwd: MUTANT,
    timeout: 60_000,
  });
  return status !== 0;
}
