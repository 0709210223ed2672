/**
 * The code under test: a copy of dist/, with counters on the branches of the modules that read foreign data, loaded beside the
 * rest of the process. A copy may have bugs planted into it first.
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Coverage } from './coverage.js';
import { HITS, instrument, type Point } from './instrument.js';

/** Folders and files of dist/ that get counters. The engines get none: engines have tests of their own, and counters would slow them too much. */
const COUNTED = ['wire', 'channel', 'srtp', 'recording', 'vectors', 'bytes.js', 'replay.js', 'arrays.js'];

/** Modules by name. */
const MODULES = {
  aead: 'aead.js',
  bytes: 'bytes.js',
  channel: 'channel/channel.js',
  config: 'channel/config.js',
  configError: 'config-error.js',
  frameError: 'frames/error.js',
  keys: 'channel/keys.js',
  sm4: 'channel/sm4.js',
  recording: 'recording/recording.js',
  recordingError: 'recording/error.js',
  rtp: 'wire/rtp.js',
  sframe: 'wire/sframe.js',
  srtp: 'srtp/index.js',
  status: 'status.js',
  verify: 'vectors/verify.js',
  warmUp: 'channel/warm-up.js',
} as const;

interface Modules {
  readonly aead: typeof import('../../../dist/aead.js');
  readonly bytes: typeof import('../../../dist/bytes.js');
  readonly channel: typeof import('../../../dist/channel/channel.js');
  readonly config: typeof import('../../../dist/channel/config.js');
  readonly configError: typeof import('../../../dist/config-error.js');
  readonly frameError: typeof import('../../../dist/frames/error.js');
  readonly keys: typeof import('../../../dist/channel/keys.js');
  readonly sm4: typeof import('../../../dist/channel/sm4.js');
  readonly recording: typeof import('../../../dist/recording/recording.js');
  readonly recordingError: typeof import('../../../dist/recording/error.js');
  readonly rtp: typeof import('../../../dist/wire/rtp.js');
  readonly sframe: typeof import('../../../dist/wire/sframe.js');
  readonly srtp: typeof import('../../../dist/srtp/index.js');
  readonly status: typeof import('../../../dist/status.js');
  readonly verify: typeof import('../../../dist/vectors/verify.js');
  readonly warmUp: typeof import('../../../dist/channel/warm-up.js');
}

/** Modules, the branches behind their counters, and the folder of the built code. */
export interface Code extends Modules {
  readonly coverage: Coverage;
  readonly folder: string;
}

/** A bug: a file of dist/, a text that occurs there once, and its replacement. */
export interface Plant {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

/**
 * Copies built code from `from` to `to`, which is emptied first, plants a bug, adds counters, and loads it. A process loads a
 * folder once: modules are found by their paths.
 */
export async function loadCode(from: string, to: string, plant?: Plant): Promise<Code> {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('.d.ts') });
  if (plant) plantBug(to, plant);
  const points: Point[] = [];
  for (const file of filesUnder(to)) {
    const path = join(to, file);
    writeFileSync(path, instrument(file, readFileSync(path, 'utf8'), points));
  }
  const coverage = new Coverage(points);
  Object.assign(globalThis, { [HITS]: coverage.hits });
  const loaded = Object.entries(MODULES).map(
    async ([name, file]) => [name, await import(/* @vite-ignore */ pathToFileURL(join(to, file)).href)] as const,
  );
  const modules = Object.fromEntries(await Promise.all(loaded)) as unknown as Modules;
  // Branches that loading alone reaches.
  coverage.take(coverage.emptyMap());
  return { ...modules, coverage, folder: to };
}

function plantBug(folder: string, { file, before, after }: Plant): void {
  const path = join(folder, file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(before).length - 1;
  if (places !== 1) throw new Error(`${file}: "${before}" must stand there once, not ${places} times: mend the plant`);
  writeFileSync(
    path,
    source.replace(before, () => after),
  );
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.js') && COUNTED.includes(file.split('/')[0]!))
    .sort();
}
