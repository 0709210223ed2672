/**
 * After close no key is left in memory (FORMAT.md section 6). A child process on the build makes a channel of keys that it
 * computes in place; this one reads the child's memory through /proc and looks for everything that was derived.
 * test/hostile/secrets.test.ts looks for round keys and tables too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { KnownMode } from '../../src/channel/config.js';
import { gcmSlot } from '../hostile/secrets/slots.js';
import { GCM_MODES } from '../support/channel.js';
import { ENGINES } from '../support/engines.js';
import { keySchedule } from '../support/key-schedule.js';
import { findInProcess } from '../support/process-memory.js';
import { sm4Keys } from '../support/second/keys.mjs';

const built = new URL('../../dist/channel/channel.js', import.meta.url).href;
const KID = Buffer.from('0123456723456789', 'hex');
/** No scavenge while the child runs, so that a copy that is found was made by the library and not by the collector. */
const QUIET = ['--min-semi-space-size=16', '--max-semi-space-size=16'];

/** The same text runs here and in the child, so that no key has to travel. */
const FILL = '(array, seed) => array.forEach((_, i) => { array[i] = i * 151 + seed * 67 + ((i * i * 29) >> 2); })';
const fill = new Function(`return ${FILL}`)() as (array: Uint8Array, seed: number) => void;

function made(seed: number, length = 32): Uint8Array {
  const array = new Uint8Array(length);
  fill(array, seed);
  return array;
}

/** Makes a channel, wipes the caller's key and salt, seals and opens; says so; on a byte does `end`, and says so. */
function script(mode: KnownMode, end: string, keyBytes: number, engine: string): string {
  return `
    const { enableEncryptionWith } = await import(${JSON.stringify(built)});
    const fill = ${FILL};
    const made = (seed, length = 32) => { const array = new Uint8Array(new ArrayBuffer(length)); fill(array, seed); return array; };
    const settings = (seed, keyId) => ${
      mode === 'SM4_128_ECB'
        ? `({ encryptionMode: '${mode}', encryptionKey: made(seed, ${keyBytes}) })`
        : `({ encryptionMode: '${mode}', encryptionKey: made(seed), encryptionKdfSalt: made(seed + 1), keyId })`
    };
    const first = settings(1, 0);
    let drawn = 0;
    const session = (words) => { words[0] = 0x12345670; words[1] = 0x23456789 + drawn++; return 0; };
    console.warn = () => {};
    const channel = enableEncryptionWith(first, { framing: 'frame', maxSenders: 1, engine: '${engine}' }, session);
    first.encryptionKey.fill(0);
    first.encryptionKdfSalt?.fill(0);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener({ loopback: true })];
    const out = new Uint8Array(100);
    for (let i = 0; i < 50; i++) opener.open(out, out, sealer.seal(out, out, 20));
    process.stdin.once('data', () => { ${end}; process.stdout.write('2'); process.stdin.once('data', () => process.exit()); });
    process.stdout.write('1');`;
}

/** What is looked for, by name: as bytes, and as the little-endian words that engines keep big-endian words in. */
function needles(mode: KnownMode, keyBytes: number): Map<string, Uint8Array> {
  if (mode === 'SM4_128_ECB') {
    const { prk, key16 } = sm4Keys(made(1, keyBytes));
    return new Map<string, Uint8Array>([
      ['encryptionKey', made(1, keyBytes)],
      ['prk', prk],
      ['key16', key16],
      ['key16 in words', Buffer.from(key16).swap32()],
    ]);
  }
  const { prk, baseKey, secret, frameKey } = keySchedule(mode, made(1), made(2), KID);
  // The forms in which the engines keep the frame key: the first round keys as words, and a slot of the SIMD engine.
  const [slot] = gcmSlot(frameKey).values();
  const hashKey = createCipheriv(`aes-${8 * frameKey.length}-ecb`, frameKey, null).update(new Uint8Array(16));
  return new Map<string, Uint8Array>([
    ['encryptionKey', made(1)],
    ['encryptionKdfSalt', made(2)],
    ['prk', prk],
    ['base key', baseKey],
    ['secret', secret],
    ['frame key', frameKey],
    ['slot', slot!],
    ['frame key in words', Buffer.from(frameKey).swap32()],
    ['hash key', hashKey],
    ['hash key in words', Buffer.from(hashKey).swap32()],
  ]);
}

interface Leftovers {
  readonly open: string[];
  readonly after: string[];
}

/** What is found in the child while the channel is open, and after `end`. */
async function leftovers(
  mode: KnownMode,
  end: string,
  { flags = QUIET, keyBytes = 32, engine = 'auto' } = {},
): Promise<Leftovers> {
  const source = script(mode, end, keyBytes, engine);
  const child: ChildProcess = spawn(process.execPath, [...flags, '--input-type=module', '-e', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const wanted = needles(mode, keyBytes);
    expect(String(await once(child.stdout!, 'data'))).toBe('1');
    const open = findInProcess(child.pid!, wanted);
    child.stdin!.write('.');
    expect(String(await once(child.stdout!, 'data'))).toBe('2');
    return { open, after: findInProcess(child.pid!, wanted) };
  } finally {
    child.kill();
  }
}

const CASES = ENGINES.flatMap((engine) => GCM_MODES.map((mode) => [engine, mode] as const));
const CLOSE = 'channel.close()';
const ROTATE = 'channel.rotate(settings(3, 1), { graceMs: 0 })';
/** Another sender puts the first one out of the opener. */
const EVICT = `
  sealer.close();
  const other = channel.createSealer();
  if (opener.open(out, out, other.seal(out, out, 20)) < 0 || opener.stats.senders > 1) throw new Error('not evicted')`;
const FRAME_KEY = ['slot', 'frame key', 'frame key in words', 'hash key', 'hash key in words'];
/** How each engine keeps it. */
const KEPT = { portable: 'frame key in words', simd: 'slot' } as const;
const derived = (names: readonly string[]): string[] => names.filter((name) => FRAME_KEY.includes(name));
const configured = (names: readonly string[]): string[] => names.filter((name) => name.startsWith('encryptionK'));

describe.skipIf(process.platform !== 'linux')('section 6: wiping', () => {
  test.each(CASES)(
    '%s, %s: frame keys are in memory while the channel is open, and gone after close',
    async (engine, mode) => {
      const { open, after } = await leftovers(mode, CLOSE, { engine });
      expect(derived(open)).toContain(KEPT[engine]);
      expect(derived(after)).toEqual([]);
      // What lies between the configured key and the frame key is wiped as soon as it has served.
      for (const name of ['prk', 'base key', 'secret', 'frame key']) expect([...open, ...after]).not.toContain(name);
    },
  );

  test.each(CASES)('%s, %s: and gone when a rotation ends', async (engine, mode) => {
    const { open, after } = await leftovers(mode, ROTATE, { engine });
    expect(derived(open)).toContain(KEPT[engine]);
    expect(derived(after)).toEqual([]);
  });

  test.each(CASES)('%s, %s: and gone when the sender is evicted', async (engine, mode) => {
    const { open, after } = await leftovers(mode, EVICT, { engine });
    expect(derived(open)).toContain(KEPT[engine]);
    expect(derived(after)).toEqual([]);
  });

  test.each(GCM_MODES)('%s: the configured key and salt are gone once the caller has wiped them', async (mode) => {
    const { open } = await leftovers(mode, CLOSE);
    expect(configured(open)).toEqual([]);
  });

  test.each([32, 16])('SM4_128_ECB: a key of %i bytes is gone once the caller has wiped it', async (keyBytes) => {
    const { after } = await leftovers('SM4_128_ECB', CLOSE, { keyBytes });
    expect(after).toEqual([]);
  });

  test.each(GCM_MODES)('%s: a scavenge leaves no copy of the frame key either', async (mode) => {
    const { after } = await leftovers(mode, `gc({ type: 'minor' }); ${CLOSE}`, { flags: [...QUIET, '--expose-gc'] });
    expect(derived(after)).toEqual([]);
  });
});
