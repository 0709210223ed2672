/**
 * The house's rules that a machine can see. Layers, one way:
 *
 *     cli -> index, aead, accelerated, webrtc, recording, vectors -> channel, srtp -> frames -> wire, engine -> bytes, checks, config-error, options, random, status, replay
 *
 * cli/ is a package of its own: of the library it knows what users know. Only cli/ may know Node; only channel/ and vectors/ take hashes from a package. Imports of types count like any other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../src/', import.meta.url);
const MOST_LINES = 350;

const BASE = ['bytes', 'checks', 'config-error', 'options', 'random', 'status', 'replay'];
const MIDDLE = ['wire', 'engine', ...BASE];
const UPPER = ['frames', ...MIDDLE];

/** What each layer, a folder or a file of src/, may import. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  cli: ['cli'],
  index: ['channel', ...UPPER],
  aead: ['engine', 'checks', 'bytes', 'status'],
  accelerated: ['engine'],
  recording: ['recording', ...BASE],
  webrtc: ['webrtc', 'channel', 'status'],
  vectors: ['vectors', 'aead', 'channel', 'srtp', ...UPPER],
  channel: ['channel', ...UPPER],
  srtp: ['srtp', ...UPPER],
  frames: ['frames', ...MIDDLE],
  wire: ['wire', ...BASE],
  engine: ['engine', ...BASE],
  replay: ['status'],
  checks: ['bytes'],
  bytes: [],
  'config-error': [],
  options: ['bytes', 'checks', 'replay'],
  random: [],
  status: [],
};

/** Packages, and the layers that may import them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@noble/hashes': ['channel', 'vectors'],
  '@nats-io/': ['cli'],
  'age-encryption': ['cli'],
  commander: ['cli'],
  frameseal: ['cli'],
  'node:': ['cli'],
  'prom-client': ['cli'],
  valibot: ['cli'],
  yaml: ['cli'],
};

/** What `npm run build` runs to make the SIMD modules: it may know Node, and nothing else imports it. */
const KERNEL = 'engine/simd/kernel/';
const BUILD = `${KERNEL}build.ts`;

const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*/;
const REGEX = /(?<=[=(,:[!&|?{;]\s*)\/(?![/*])(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//;
const QUOTED = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/;
const TEMPLATE = /`(?:[^`\\]|\\[\s\S])*`/;
const TOKENS = new RegExp([COMMENT, REGEX, QUOTED, TEMPLATE].map(({ source }) => source).join('|'), 'g');

/** The code without its comments. */
function withoutComments(code: string): string {
  return code.replace(TOKENS, (token) => (/^\/[/*]/.test(token) ? ' ' : token));
}

/** The code without comments and text; of templates, what stands in their braces is code. */
function withoutText(code: string): string {
  return withoutComments(code).replace(TOKENS, (token) =>
    token.startsWith('`') ? (token.match(/\$\{[^}]*\}/g) ?? []).join() : "''",
  );
}

/** What a file imports or exports from elsewhere; `?` for an import whose name is not written out. */
function importsOf(code: string): string[] {
  const plain = withoutComments(code);
  const statements = plain.matchAll(/(?:^|[\s;}])(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]/g);
  const effects = plain.matchAll(/(?:^|[\s;}])import\s*['"]([^'"]+)['"]/g);
  const calls = plain.matchAll(/\b(?:import|require)\s*\(\s*(?:['"]([^'"]+)['"])?/g);
  return [...statements, ...effects, ...calls].map((match) => match[1] ?? '?');
}

function layerOf(path: string): string {
  return path.split('/')[0]!.replace(/\.[jt]s$/, '');
}

/** What is wrong with the imports and names of a file; `path` is relative to src/. */
function violations(path: string, code: string): string[] {
  const layer = layerOf(path);
  const allowed = LAYERS[layer];
  if (allowed === undefined) return [`${path}: no layer has the name ${layer}`];
  const found: string[] = [];
  for (const name of importsOf(code)) {
    const isRelative = name.startsWith('.');
    // The kernels' source is run by the build, and not part of the package.
    if (isRelative && name.includes('/kernel/') && !path.startsWith(KERNEL)) found.push(`${path} imports ${name}`);
    const isAllowed = isRelative
      ? allowed.includes(layerOf(posix.join(posix.dirname(path), name)))
      : Object.entries(PACKAGES).some(([start, layers]) => isFrom(name, start) && layers.includes(layer));
    if (!isAllowed && !(path === BUILD && name.startsWith('node:'))) found.push(`${path} imports ${name}`);
  }
  const text = withoutText(code);
  // random.ts asks Node whether it builds a start-up snapshot.
  if (layer !== 'cli' && path !== BUILD && path !== 'random.ts') {
    for (const [global] of text.matchAll(/\b(?:process|Buffer|require|__dirname|__filename)\b/g)) {
      found.push(`${path} uses ${global}`);
    }
  }
  if (path === 'index.ts' && !/^(?:\s*export (?:type )?(?:\{[^}]*\}|\*) from '';)*\s*$/.test(text)) {
    found.push('index.ts does more than re-export');
  }
  return found;
}

function isFrom(name: string, start: string): boolean {
  return /[:/]$/.test(start) ? name.startsWith(start) : name === start || name.startsWith(`${start}/`);
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts') && !name.startsWith('cli/dist/'))
  .map((path) => ({ path, code: readFileSync(new URL(path, SRC), 'utf8') }));

describe('src', () => {
  it('is read whole', () => {
    const layers = new Set(files.map(({ path }) => layerOf(path)));
    for (const layer of ['cli', 'index', 'aead', 'channel', 'frames', 'wire', 'engine', ...BASE])
      expect(layers).toContain(layer);
    expect(files.flatMap(({ code }) => importsOf(code)).length).toBeGreaterThan(60);
  });

  it('imports downwards, and knows Node in cli/ only', () => {
    expect(files.flatMap(({ path, code }) => violations(path, code))).toEqual([]);
  });

  it('is ASCII', () => {
    const others = files.flatMap(({ path, code }) =>
      code.split('\n').flatMap((line, i) => (/^[\x20-\x7e]*$/.test(line) ? [] : [`${path}:${i + 1}: ${line}`])),
    );
    expect(others).toEqual([]);
  });

  it(`has no file of more than ${MOST_LINES} lines`, () => {
    const lines = (code: string): number => code.trimEnd().split('\n').length;
    expect(
      files.filter(({ code }) => lines(code) > MOST_LINES).map(({ path, code }) => `${path}: ${lines(code)}`),
    ).toEqual([]);
  });
});

describe('the check itself', () => {
  const refused: [path: string, code: string][] = [
    ['wire/sframe.ts', "import { Channel } from '../channel/channel.js';"],
    ['wire/sframe.ts', "import type { Channel } from '../channel/channel.js';"],
    ['wire/sframe.ts', "import {\n  type A,\n  B,\n} from '../channel/channel.js';"],
    ['wire/sframe.ts', "export * from '../engine/engine.js';"],
    ['wire/sframe.ts', "import { Frame } from '../frames/pipeline.js';"],
    ['frames/pipeline.ts', "import { Sender } from '../channel/senders.js';"],
    ['engine/portable/aes.ts', "export { parse } from '../../wire/rtp.js';"],
    ['engine/pick.ts', "import '../aead.js';"],
    ['engine/simd/simd.ts', "import { buildModule } from './kernel/module.js';"],
    ['engine/simd/kernel/module.ts', "import { writeFileSync } from 'node:fs';"],
    ['engine/pick.ts', "const later = await import('../channel/channel.js');"],
    ['engine/pick.ts', 'const later = await import(name);'],
    ['engine/pick.ts', "let slot: import('../channel/keys.js').KeySchedule;"],
    ['channel/channel.ts', "import { enableEncryption } from '../index.js';"],
    ['channel/channel.ts', "import { AesGcm } from '../aead.js';"],
    ['channel/channel.ts', "import { main } from '../cli/main.js';"],
    ['channel/channel.ts', "import { verify } from '../vectors/verify.js';"],
    ['aead.ts', "import { Channel } from './channel/channel.js';"],
    ['bytes.ts', "import { MALFORMED } from './status.js';"],
    ['channel/keys.ts', "import { createHmac } from 'node:crypto';"],
    ['channel/keys.ts', "import { createHmac } from 'crypto';"],
    ['channel/keys.ts', "import { Command } from 'commander';"],
    ['engine/engine.ts', "import { sha256 } from '@noble/hashes/sha2.js';"],
    ['cli/main.ts', "import { sha256 } from '@noble/hashes/sha2.js';"],
    ['cli/keygen.ts', "import { generateKey } from '../index.js';"],
    ['cli/demo/link.ts', "import { rtpHeaderLength } from '../../wire/rtp.js';"],
    ['aead.ts', "import { warmUp } from 'frameseal';"],
    ['channel/keys.ts', "import { sample } from '../../test/support/engines.js';"],
    ['channel/keys.ts', 'const home = process.env.HOME;'],
    ['bytes.ts', "const bytes = Buffer.from('00');"],
    ['bytes.ts', `const text = \`\${process.pid}\`;`],
    ['utils/more.ts', ''],
    ['index.ts', "export { warmUp } from './engine/pick.js';\nconst started = 1;"],
    ['index.ts', "import { warmUp } from './engine/pick.js';\nexport { warmUp };"],
  ];
  it.each(refused)('refuses in %s: %s', (path, code) => expect(violations(path, code)).toHaveLength(1));

  const taken: [path: string, code: string][] = [
    ['wire/sframe.ts', "// import { Channel } from '../channel/channel.js';\nimport { store32 } from '../bytes.js';"],
    ['wire/sframe.ts', "/* Buffer, process:\nimport '../channel/channel.js'; */"],
    ['channel/keys.ts', "import { hmac } from '@noble/hashes/hmac.js';\nconst text = 'a Buffer of this process';"],
    ['channel/keys.ts', `const quote = /['"\`/]/; // process\nconst more = \`Buffer \${1}\`; // \``],
    ['engine/portable/gcm.ts', "import type { GcmKey } from '../engine.js';"],
    ['cli/main.ts', "import { once } from 'node:events';\nimport { Command } from 'commander';\nprocess.exit(0);"],
    ['cli/verify.ts', "import { warmUp } from 'frameseal';\nimport { verifyVectors } from 'frameseal/vectors';"],
    [
      'index.ts',
      "/** All of it. */\nexport { type A, b } from './channel/channel.js';\nexport * from './status.js';\n",
    ],
  ];
  it.each(taken)('takes in %s: %s', (path, code) => expect(violations(path, code)).toEqual([]));
});
