/**
 * Packs the library and the command, installs both in an empty project, and uses them there as their users will: every
 * sub-path of `exports`, its types under both ways of module resolution, and the command. Run by `npm run check:package`.
 *
 * The list of sub-paths and of public names comes from the package itself: one without a check here is a failure.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = readManifest(ROOT);
const command = readManifest(join(ROOT, 'src/cli'));
const work = mkdtempSync(join(tmpdir(), 'frameseal-package-'));
const project = join(work, 'project');
const installed = folderOf(manifest);

/** What prom-client brings along. */
const BEHIND_PROM_CLIENT = ['@opentelemetry/api', 'bintrees', 'tdigest'];

/** What the clients of NATS and age-encryption bring along. */
const BEHIND_FLEET = [
  ...['nats-core', 'nkeys', 'nuid'].map((name) => `@nats-io/${name}`),
  'tweetnacl',
  ...['ciphers', 'curves', 'post-quantum'].map((name) => `@noble/${name}`),
  ...['curves', 'hashes'].map((name) => `@noble/post-quantum/node_modules/@noble/${name}`),
  '@scure/base',
];

/** What works through each sub-path: takes its exports, throws where they do not. */
const SUB_PATH_CHECKS = {
  '.': (frameseal) => {
    const config = {
      encryptionMode: 'AES_256_GCM2',
      encryptionKey: frameseal.generateKey(),
      encryptionKdfSalt: frameseal.generateSalt(),
    };
    const [sender, receiver] = [frameseal.enableEncryption(config), frameseal.enableEncryption(config)];
    const packet = Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 11, 22, 33);
    const sealed = sender.createSealer().sealCopy(packet);
    const opener = receiver.createOpener();
    expect(sealed.length > packet.length, 'a sealed packet is longer');
    expectEqual([...opener.openCopy(sealed)], [...packet], 'what comes out');
    expectEqual(opener.open(sealed, new Uint8Array(100)), frameseal.REPLAYED, 'the status of a copy');
    sealed[20] ^= 1;
    expectEqual(
      receiver.createOpener().open(sealed, new Uint8Array(100)),
      frameseal.BAD_TAG,
      'the status of a changed packet',
    );
    for (const channel of [sender, receiver]) channel.close();
  },
  './aead': ({ AesGcm, BAD_TAG }) => {
    // SP 800-38D's test case 2 of McGrew and Viega: a zero key, nonce and block.
    const cipher = new AesGcm(new Uint8Array(16));
    const [nonce, aad, out] = [new Uint8Array(12), new Uint8Array(0), new Uint8Array(32)];
    expectEqual(cipher.seal(nonce, aad, new Uint8Array(16), out), 32, 'bytes sealed');
    const expected = '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf';
    expectEqual(Buffer.from(out).toString('hex'), expected, 'ciphertext and tag');
    const back = new Uint8Array(16).fill(1);
    expectEqual(cipher.open(nonce, aad, out, back), 16, 'bytes opened');
    expect(
      back.every((byte) => byte === 0),
      'the plaintext comes back',
    );
    out[0] ^= 1;
    expectEqual(cipher.open(nonce, aad, out, back), BAD_TAG, 'the status of a changed message');
    cipher.destroy();
  },
  './accelerated': async ({ useAcceleratedEngine }) => {
    const form = useAcceleratedEngine();
    expect(['wide', 'relaxed', 'plain'].includes(form), `a form of the SIMD engine, got ${form}`);
    const { enableEncryption, generateKey, generateSalt } = await import(manifest.name);
    const [encryptionKey, encryptionKdfSalt] = [generateKey(), generateSalt()];
    const channel = enableEncryption({ encryptionMode: 'AES_128_GCM2', encryptionKey, encryptionKdfSalt });
    expectEqual(channel.engine, 'simd', 'the engine of a channel');
    channel.close();
  },
  './webrtc': async ({ openFrames, sealFrames }) => {
    const { enableEncryption, generateKey, generateSalt } = await import(manifest.name);
    const [encryptionKey, encryptionKdfSalt] = [generateKey(), generateSalt()];
    const config = { encryptionMode: 'AES_128_GCM2', encryptionKey, encryptionKdfSalt };
    const [sender, receiver] = [config, config].map((each) => enableEncryption(each, { framing: 'frame' }));
    const frame = { data: Uint8Array.of(1, 2, 3).buffer, getMetadata: () => ({ mimeType: 'audio/opus' }) };
    const played = [];
    const [first, second] = [new TransformStream(), new TransformStream()];
    const readable = new ReadableStream({
      start(controller) {
        controller.enqueue(frame);
        controller.close();
      },
    });
    await Promise.all([
      sealFrames(sender)({ readable, writable: first.writable }),
      openFrames(receiver)({ readable: first.readable, writable: second.writable }),
      second.readable.pipeTo(new WritableStream({ write: (each) => void played.push(...new Uint8Array(each.data)) })),
    ]);
    expectEqual(played.join(), '1,2,3', 'the frame that comes out');
    for (const channel of [sender, receiver]) channel.close();
  },
  './srtp': ({ keysFromSdes, REPLAYED, SrtpReceiver, SrtpSender }) => {
    const keys = keysFromSdes(`1 AEAD_AES_256_GCM inline:${Buffer.alloc(44, 'key and salt').toString('base64')}`);
    const [sender, receiver] = [new SrtpSender(keys), new SrtpReceiver(keys)];
    const packet = Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 11, 22, 33);
    const [out, back] = [new Uint8Array(31), new Uint8Array(31)];
    expectEqual(sender.protect(packet, out), 31, 'bytes protected');
    expectEqual(receiver.unprotect(out, back), packet.length, 'bytes unprotected');
    expectEqual([...back.subarray(0, packet.length)], [...packet], 'what comes out');
    expectEqual([sender.protect(packet, out), receiver.unprotect(out, back)], [REPLAYED, REPLAYED], 'a second time');
    for (const side of [sender, receiver]) side.close();
  },
  './recording': ({ readPackets, RecordingError, RecordingRewriter, RecordingWriter, udpPacket }) => {
    const [source, destination] = [5004, 6004].map((port) => ({ address: '2001:db8::1', port }));
    const datagram = { source, destination, payload: Uint8Array.of(1, 2, 3) };
    const writer = new RecordingWriter('pcapng');
    const recording = Buffer.concat([writer.start(), writer.packet(7n, udpPacket(datagram))]);
    const rewriter = new RecordingRewriter({
      growth: 1,
      takes: () => true,
      transform: ([input], [out], results) => {
        out.set([...input, 4]);
        results[0] = 4;
      },
    });
    const rewritten = Buffer.concat(Array.from(rewriter.push(recording), (part) => Buffer.from(part)));
    expectEqual(rewriter.end(), 0, 'bytes of a record that was cut short');
    const [{ timeNs, payload }] = readPackets([rewritten]);
    expectEqual([String(timeNs), ...payload], ['7', 1, 2, 3, 4], 'the packet that was rewritten');
    try {
      [...readPackets([new Uint8Array(100)])];
    } catch (error) {
      return expect(error instanceof RecordingError, 'a RecordingError');
    }
    throw new Error('bytes that are no recording were read');
  },
  './vectors': ({ verifyVectors }) => {
    const text = readFileSync(join(ROOT, 'fixtures/channel.json'), 'utf8');
    const { agreed, disagreements } = verifyVectors(text);
    expect(agreed > 0, 'vectors were verified');
    expectEqual(disagreements, [], 'disagreements');
    const damaged = text.replace(/"([0-9a-f]{40,})([0-9a-f])"/g, (_, most, last) => `"${most}${last === '0' ? 1 : 0}"`);
    expect(verifyVectors(damaged).disagreements.length > 0, 'damaged vectors disagree');
  },
  './simd.wasm': (bytes) => expect(WebAssembly.validate(bytes), 'the module is valid'),
  './package.json': ({ name, version }) =>
    expectEqual([name, version], [manifest.name, manifest.version], 'package.json'),
};

/** A user's program, for the compiler. */
const USAGE = `
import { BAD_TAG, type Channel, type ChannelOptions, ConfigError, describe, enableEncryption } from '${manifest.name}';
import { type EncryptionConfig, FrameError, generateKey, generateSalt, type Opener, type Sealer } from '${manifest.name}';
import { AesGcm } from '${manifest.name}/aead';
import { keysFromDtls, type SrtpKeys, SrtpReceiver, SrtpSender, type SrtpStats } from '${manifest.name}/srtp';

const config: EncryptionConfig = {
  encryptionMode: 'AES_256_GCM2',
  encryptionKey: generateKey(),
  encryptionKdfSalt: generateSalt(),
  keyId: 3,
};
const options: ChannelOptions = { framing: 'frame', replayWindow: 128, engine: 'portable' };
export function roundTrip(frame: Uint8Array): Uint8Array | string {
  let channel: Channel | undefined;
  try {
    channel = enableEncryption(config, options);
    const sealer: Sealer = channel.createSealer();
    const opener: Opener = channel.createOpener({ loopback: true });
    const out = new Uint8Array(frame.length + sealer.overhead);
    const n: number = sealer.seal(frame, out);
    if (n < 0) return n === BAD_TAG ? 'tag' : describe(n);
    channel.rotate({ ...config, encryptionKey: generateKey(), keyId: 4 }, { graceMs: 500 });
    const refused: number | undefined = opener.stats.refused['BAD_TAG'];
    return refused === undefined ? opener.openCopy(out.subarray(0, n)) : sealer.senderId;
  } catch (error) {
    if (error instanceof ConfigError) return error.field + error.code;
    if (error instanceof FrameError) return describe(error.status);
    throw error;
  } finally {
    channel?.close();
  }
}
export const cipher: AesGcm = new AesGcm(new Uint8Array(32));
export function srtp(material: Uint8Array, packet: Uint8Array): SrtpStats {
  const { client }: { client: SrtpKeys } = keysFromDtls(material, 'AEAD_AES_128_GCM');
  const [sender, receiver] = [new SrtpSender(client, { replayWindow: 128 }), new SrtpReceiver(client)];
  receiver.setRoc(7, 0);
  const n: number = sender.protect(packet, new Uint8Array(packet.length + sender.overhead));
  return n < 0 ? sender.stats : receiver.stats;
}
// @ts-expect-error: session keys are not for users
new SrtpSender({ suite: 'AEAD_AES_128_GCM', masterKey: new Uint8Array(16), masterSalt: new Uint8Array(12) }, {}, {});
// @ts-expect-error: a sealer does not open
export const wrong = (sealer: Sealer): number => sealer.open(new Uint8Array(1), new Uint8Array(1));
`;

/** Which compiler options users have. Declarations are checked too: skipLibCheck is off. */
const USERS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext', types: ['node'] },
  bundler: { module: 'esnext', moduleResolution: 'bundler', types: ['node'] },
  browser: { module: 'esnext', moduleResolution: 'bundler', types: [], lib: ['esnext', 'dom'] },
};

const REQUIRED = ['package.json', 'LICENSE', 'README.md', 'FORMAT.md', 'dist/bundle/index.js', 'dist/index.d.ts'];
const REQUIRED_OF_COMMAND = ['package.json', 'LICENSE', 'README.md', 'bin.js', 'dist/main.js', 'dist/recording.pcap'];
const UNWANTED =
  /^(src|test|bench|build|fixtures|node_modules)\/|^dist\/(cli|bench)|\.test\.|(?<!\.d)\.ts$|(^|\/)(\.|tsconfig)|\.(tgz|log|map|tsbuildinfo)$/;
const MOST_BYTES = 615_000;
/** What a browser loads for a program, with @noble/hashes: bytes after gzip. */
const BUDGETS = [
  ['everything', `export * from '${manifest.name}';`, 43_200],
  [
    'frameseal/webrtc with a channel',
    `export { enableEncryption } from '${manifest.name}'; export * from '${manifest.name}/webrtc';`,
    44_900,
  ],
  ['SRTP', `export * from '${manifest.name}/srtp';`, 31_000],
  ['recordings', `export * from '${manifest.name}/recording';`, 12_000],
  ['one cipher', `export { AesGcm } from '${manifest.name}/aead';`, 24_500],
];
const IMPORTS = /(?<![-'"`.])\b(?:from|import) *\(? *['"]([^'"]+)['"]/g;

const STEPS = [
  ['pack', pack],
  ['install in an empty project', install],
  ['files of the library', checkLibraryFiles],
  ['files of the command', checkCommandFiles],
  ...BUDGETS.map(([name, code, most]) => [`size for a browser, ${name}`, () => checkSize(code, most)]),
  ...Object.keys(manifest.exports).map((subPath) => [`import ${specifier(subPath)}`, () => checkSubPath(subPath)]),
  ['npx frameseal --version', checkVersion],
  ['npx frameseal keygen', checkKeygen],
  ['npx frameseal speed', checkSpeed],
  ['npx frameseal demo --speed 20', checkDemo],
  ['install TypeScript', installTypeScript],
  ...Object.keys(USERS).map((user) => [`types, ${user}`, () => checkTypes(user)]),
];

function pack() {
  npm(['pack', '--include-workspace-root', '--workspace', command.name, '--pack-destination', work], ROOT);
  return tarballs()
    .map((name) => `${name}, ${kilobytes(statSync(join(work, name)).size)}`)
    .join('; ');
}

function install() {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n');
  npm(
    ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs().map((name) => join(work, name))],
    project,
  );
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'));
  const packages = Object.keys(lock.packages)
    .filter((path) => path !== '')
    .map((path) => path.replace('node_modules/', ''))
    .sort();
  expectEqual(Object.keys(manifest.dependencies), ['@noble/hashes'], 'what the library depends on');
  expectEqual(command.dependencies[manifest.name], manifest.version, 'the library that the command depends on');
  const dependencies = [manifest, command].flatMap((each) => [each.name, ...Object.keys(each.dependencies)]);
  dependencies.push(...BEHIND_PROM_CLIENT, ...BEHIND_FLEET);
  expectEqual(packages, [...new Set(dependencies)].sort(), 'what was installed');
  return packages.join(', ');
}

function checkLibraryFiles() {
  const size = checkFiles(manifest, REQUIRED, /^\./);
  expect(size <= MOST_BYTES, `at most ${kilobytes(MOST_BYTES)} unpacked, got ${kilobytes(size)}`);
  expect(!filesOf(installed).some((name) => name.endsWith('.pcap')), 'the library holds no recording');
  return `${filesOf(installed).length} files, ${kilobytes(size)} unpacked`;
}

function checkCommandFiles() {
  const size = checkFiles(command, REQUIRED_OF_COMMAND, /^(\.|node:)/);
  return `${filesOf(folderOf(command)).length} files, ${kilobytes(size)} unpacked`;
}

/** The size of a program as a bundler makes it for browsers. */
function checkSize(code, most) {
  const entry = join(project, 'size.js');
  writeFileSync(entry, code);
  const options = {
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  };
  const size = gzipSync(buildSync(options).outputFiles[0].contents, { level: 9 }).length;
  expect(size <= most, `at most ${kilobytes(most)} after gzip, got ${kilobytes(size)}`);
  return kilobytes(size);
}

/** Checks what a package holds, and returns its bytes. `known`: what its files import, besides its dependencies. */
function checkFiles(owner, required, known) {
  const folder = folderOf(owner);
  const files = filesOf(folder);
  for (const file of required) expect(files.includes(file), `${owner.name} holds ${file}`);
  for (const file of files) expect(!UNWANTED.test(file), `${file} has no place in ${owner.name}`);
  for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
    // Only its own dependencies: others may be installed for other packages.
    for (const [, name] of readFileSync(join(folder, file), 'utf8').matchAll(IMPORTS)) {
      const dependency = /^(?:@[^/]+\/)?[^/]+/.exec(name)[0];
      const isKnown = known.test(name) || dependency in owner.dependencies;
      expect(isKnown, `${file}: what it imports, ${name}, is one of the dependencies of ${owner.name}`);
    }
  }
  return files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}

async function checkSubPath(subPath) {
  const check = SUB_PATH_CHECKS[subPath];
  expect(check !== undefined, `test/package/install.mjs has a check for the sub-path ${subPath}`);
  if (subPath.endsWith('.json')) return check(createRequire(join(project, 'user.js'))(specifier(subPath)));
  if (subPath.endsWith('.wasm')) {
    return check(readFileSync(createRequire(join(project, 'user.js')).resolve(specifier(subPath))));
  }
  const user = join(project, 'import.js');
  writeFileSync(user, 'export const load = (specifier) => import(specifier);\n');
  const { load } = await import(pathToFileURL(user).href);
  const loaded = await load(specifier(subPath));
  check(loaded);
  const names = publicNames(subPath);
  const missing = Object.keys(loaded).filter((name) => !names.values.includes(name));
  expectEqual(missing, [], 'what is exported, but not declared');
  const absent = names.values.filter((name) => !(name in loaded));
  expectEqual(absent, [], 'what is declared, but not exported');
  return `${names.values.length} values, ${names.types.length} types`;
}

function checkVersion() {
  const printed = frameseal(['--version']).trim();
  expectEqual(printed, command.version, 'the version');
  return printed;
}

function checkSpeed() {
  const { results, engine } = JSON.parse(frameseal(['speed', '--json']));
  expect(results.length > 0 && results.every(({ framesPerSecond }) => framesPerSecond > 0), 'everything was measured');
  return `${results.length} numbers, ${engine} engine`;
}

async function checkKeygen() {
  const config = JSON.parse(frameseal(['keygen']));
  const { enableEncryption } = await import(pathToFileURL(join(installed, 'dist/bundle/index.js')).href);
  const channel = enableEncryption(config);
  channel.close();
  return channel.mode;
}

function checkDemo() {
  const printed = frameseal(['demo', '--speed', '20']);
  const verdict = 'every packet that arrived is identical';
  expect(printed.includes(verdict), `the demo prints: ${verdict}`);
  return verdict;
}

function installTypeScript() {
  const packages = ['typescript', '@types/node'].map((name) => `${name}@${manifest.devDependencies[name]}`);
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--save-dev', ...packages], project);
  return packages.join(', ');
}

/** Type-checks the user's program and, for each sub-path, a file that takes every public name from it. */
function checkTypes(user) {
  const sources = join(project, 'types');
  mkdirSync(sources, { recursive: true });
  writeFileSync(join(sources, 'usage.ts'), USAGE);
  let count = 0;
  for (const subPath of Object.keys(manifest.exports).filter((path) => !/\.(json|wasm)$/.test(path))) {
    const { values, types } = publicNames(subPath);
    const names = [...values, ...types.map((name) => `type ${name}`)];
    const text = `import { ${names.join(', ')} } from '${specifier(subPath)}';\nexport { ${names.join(', ')} };\n`;
    const shown = `export const values: readonly unknown[] = [${values.join(', ')}];\n`;
    writeFileSync(join(sources, `${subPath.replace(/\W/g, '') || 'main'}.ts`), text + shown);
    count += names.length;
  }
  const compilerOptions = { target: 'es2022', strict: true, skipLibCheck: false, noEmit: true, ...USERS[user] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['types'] }));
  run('npx', ['--no', '--', 'tsc', '-p', '.'], project);
  return `${count} names`;
}

const VALUE_KINDS = ['class', 'const', 'function', 'enum'];
const TYPE_KINDS = ['interface', 'type'];

/** The names that the declarations of a sub-path export. Knows the forms that they take; throws for others. */
function publicNames(subPath) {
  const text = readFileSync(join(installed, manifest.exports[subPath].types), 'utf8').replace(/\/\*.*?\*\//gs, '');
  const names = { values: [], types: [] };
  for (const { index } of text.matchAll(/^export /gm)) {
    const statement = text.slice(index);
    const list = /^export (type )?\{([^}]*)\}/.exec(statement);
    if (list) {
      for (const item of list[2].split(',').filter((part) => part.trim() !== '')) {
        const [, type, name] = /^\s*(type )?(?:\w+ as )?(\w+)\s*$/.exec(item);
        names[list[1] || type ? 'types' : 'values'].push(name);
      }
      continue;
    }
    const [line, kind, name] = /^export (?:declare )?(?:abstract )?(\w+) (\w+).*/.exec(statement) ?? [statement];
    expect(
      [...VALUE_KINDS, ...TYPE_KINDS].includes(kind),
      `${subPath}: an export of a form that is known here: ${line}`,
    );
    names[TYPE_KINDS.includes(kind) ? 'types' : 'values'].push(name);
  }
  expect(names.values.length > 0, `${subPath} exports values`);
  return names;
}

function specifier(subPath) {
  return manifest.name + subPath.slice(1);
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** Where the user has a package of ours. */
function folderOf({ name }) {
  return join(project, 'node_modules', name);
}

function tarballs() {
  return readdirSync(work).filter((name) => name.endsWith('.tgz'));
}

/** All files below a folder, with '/' between the parts of their names. */
function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

function npm(args, cwd) {
  return run('npm', args, cwd);
}

/** The installed command; never one from a registry. */
function frameseal(args) {
  return run('npx', ['--no', '--', 'frameseal', ...args], project);
}

/** Returns stdout; where the command fails, throws with all that it printed. */
function run(command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe', shell: process.platform === 'win32' });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')} failed (${error.status})\n${error.stdout}${error.stderr}`);
  }
}

function expect(condition, what) {
  if (!condition) throw new Error(`expected: ${what}`);
}

function expectEqual(actual, expected, what) {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${what}: ${is}, expected ${should}`);
}

try {
  for (const [title, step] of STEPS) {
    const startMs = performance.now();
    process.stdout.write(`${title} ... `);
    const result = await step();
    console.log(`ok${result ? `: ${result}` : ''} (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
  }
} catch (error) {
  console.log('FAILED');
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
