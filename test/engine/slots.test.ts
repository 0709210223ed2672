/** Key slots of both engines: when there is a key, what a refusal leaves, what wiping leaves; and the SIMD engine's registry. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Engine, EngineError, FrameJob, type GcmKey, REFUSED, type Sm4Key } from '../../src/engine/engine.js';
import { portableEngine } from '../../src/engine/portable/portable.js';
import { staging } from '../../src/engine/portable/staging.js';
import { plainForm } from '../../src/engine/simd/forms.js';
import { SimdGcmKey } from '../../src/engine/simd/gcm.js';
import { GUARD, HASH_STATE, KEY_INPUT, SCRATCH_END, SLOT_BYTES, TEXT } from '../../src/engine/simd/layout.js';
import { SimdMemory } from '../../src/engine/simd/memory.js';
import { compileModule } from '../../src/engine/simd/simd.js';
import { SimdSm4Key } from '../../src/engine/simd/sm4.js';
import { Sm4Blocks } from '../../src/engine/simd/sm4-blocks.js';
import { FramesTogether } from '../../src/engine/simd/together.js';
import { sample } from '../support/engines.js';

type Key = GcmKey | Sm4Key;

const KEY = sample('key', 16);
const isGcm = (key: Key): key is GcmKey => 'seal' in key;

/** What GCM and SM4 keys have in common, for a text and into an out. */
function sealed(key: Key, text: Uint8Array): Uint8Array {
  const job = jobOf(text, text.length, text.length + 16);
  if (isGcm(key)) key.seal(job);
  else key.encrypt(job);
  return job.output.slice(0, job.written);
}

function jobOf(input: Uint8Array, length: number, room: number): FrameJob {
  const job = new FrameJob();
  Object.assign(job, { input, length, output: new Uint8Array(room), written: 5 });
  return job;
}

function openJob(key: Key, frame: Uint8Array): FrameJob {
  const length = isGcm(key) ? frame.length - 16 : frame.length;
  const job = jobOf(frame, length, frame.length);
  if (isGcm(key)) key.open(job);
  else key.decrypt(job);
  return job;
}

/** A key of 16 bytes whose bytes cannot be read; the set-up has begun by then. */
function badKey(readable: number): Uint8Array {
  const bytes = KEY;
  return new Proxy(KEY, {
    get(_, name) {
      if (name === 'length') return 16;
      if (typeof name === 'string' && Number(name) >= readable) throw new Error('no such byte');
      const value = Reflect.get(bytes, name, bytes);
      return typeof value === 'function' ? value.bind(bytes) : value;
    },
  });
}

let memory: SimdMemory;
let registered: Map<object, number>;
let together: FramesTogether;
let simd: Pick<Engine, 'createGcmKey' | 'createSm4Key'>;
beforeEach(() => {
  memory = new SimdMemory(compileModule(plainForm));
  together = new FramesTogether(memory);
  const blocks = new Sm4Blocks(memory);
  registered = new Map();
  const registry = {
    register: (_: object, slot: number, token: object) => registered.set(token, slot),
    unregister: (token: object) => registered.delete(token),
  };
  simd = {
    createGcmKey: (keyBytes) => new SimdGcmKey(memory, keyBytes, registry),
    createSm4Key: () => new SimdSm4Key(memory, blocks, registry),
  };
});

const KINDS: readonly [name: string, make: () => Key][] = [
  ['simd AES-GCM', () => simd.createGcmKey(16)],
  ['simd SM4', () => simd.createSm4Key()],
  ['portable AES-GCM', () => portableEngine.createGcmKey(16)],
  ['portable SM4', () => portableEngine.createSm4Key()],
];

describe.each(KINDS)('%s', (name, make) => {
  const text = sample('text', 40);

  /** Nothing is sealed, and nothing is genuine. */
  function expectNoKey(key: Key, frame: Uint8Array): void {
    expect(() => sealed(key, text)).toThrow(EngineError);
    const job = openJob(key, frame);
    expect(job.written).toBe(REFUSED);
    expect(job.output.every((byte) => byte === 0)).toBe(true);
  }

  it('has no key before the first, after a wipe, and after a set-up that threw', () => {
    const key = make();
    key.setKey(KEY);
    const frame = sealed(key, text);
    expect(openJob(key, frame).output.subarray(0, 40)).toEqual(new Uint8Array(text));
    expectNoKey(make(), frame);
    // The key before is gone too.
    for (const fresh of [false, true]) {
      const broken = fresh ? make() : key;
      expect(() => breakSetUp(broken)).toThrow();
      expectNoKey(broken, frame);
      broken.setKey(KEY);
      expect(sealed(broken, text)).toEqual(frame);
    }
    key.wipe();
    expectNoKey(key, frame);
    key.setKey(KEY);
    expect(sealed(key, text)).toEqual(frame);
  });

  /** Begins a set-up that throws on its way. */
  function breakSetUp(key: Key): void {
    if (name.startsWith('portable')) {
      key.setKey(badKey(isGcm(key) ? 4 : 8));
      return;
    }
    const { kernels } = memory;
    const which = isGcm(key) ? 'powerTables' : 'sm4Keys';
    const broken = () => {
      throw new Error('the kernel');
    };
    Object.assign(memory, { kernels: { ...kernels, [which]: broken } });
    try {
      // The key before, set again: nearly everything of it is there.
      key.setKey(KEY);
    } finally {
      Object.assign(memory, { kernels });
    }
  }

  it('sets REFUSED, with any result before', () => {
    const key = make();
    key.setKey(KEY);
    const forged = sealed(key, text);
    forged[isGcm(key) ? 3 : forged.length - 1]! ^= 1;
    expect(openJob(key, forged).written).toBe(REFUSED);
    const other = make();
    other.setKey(sample('other', 16));
    expect(openJob(other, sealed(key, text)).written).toBe(REFUSED);
  });
});

describe.each(KINDS.slice(0, 2))('%s: its slot', (_, make) => {
  const isZero = (from: number, to: number) => memory.heap.subarray(from, to).every((byte) => byte === 0);

  it('is registered while there is a key, erased by a wipe, and given back once', () => {
    const key = make();
    key.setKey(KEY);
    const slot = registered.get(key)!;
    sealed(key, sample('text', 300));
    expect(isZero(slot, slot + 1024)).toBe(false);
    key.wipe();
    key.wipe();
    expect(registered.size).toBe(0);
    expect(isZero(slot, slot + SLOT_BYTES)).toBe(true);
    expect(isZero(HASH_STATE, SCRATCH_END)).toBe(true);
    expect(memory.takeSlot()).toBe(slot);
    expect(memory.takeSlot()).not.toBe(slot);
  });

  it('holds the only trace of the key after its set-up', () => {
    const key = make();
    key.setKey(KEY);
    expect(Buffer.from(memory.heap.slice(KEY_INPUT, GUARD)).includes(KEY)).toBe(false);
    expect(isZero(KEY_INPUT, KEY_INPUT + 16)).toBe(true);
    expect(isZero(TEXT, TEXT + 128)).toBe(true);
  });

  it('is not used where guards were written over', () => {
    const key = make();
    key.setKey(KEY);
    memory.words[GUARD >>> 2] = 0;
    for (const length of [40, 20_000]) {
      expect(() => sealed(key, sample('text', length))).toThrow(/written over/);
      expect(() => openJob(key, sample('text', length + (length & 15)))).toThrow(/written over/);
    }
    const jobs = Array.from({ length: 3 }, () => jobOf(sample('text', 48), isGcm(key) ? 32 : 48, 64));
    for (const job of jobs) job.key = key as GcmKey;
    const calls = isGcm(key)
      ? [() => together.seal(jobs, 3), () => together.open(jobs, 3)]
      : [() => key.encryptAll(jobs, 3), () => key.decryptAll(jobs, 3)];
    for (const call of calls) expect(call).toThrow(/written over/);
    for (const job of jobs) expect(job.output).toEqual(new Uint8Array(64));
  });
});

/** How many 16-byte parts of a refused frame's plaintext are in an engine's memory. */
function partsIn(heap: Uint8Array, text: Uint8Array): number {
  const bytes = Buffer.from(heap.slice());
  const starts = Array.from({ length: text.length >>> 4 }, (_, i) => 16 * i);
  return starts.filter((at) => bytes.includes(Buffer.from(text.subarray(at, at + 16)))).length;
}

describe('refused frames leave nothing of their plaintext', () => {
  it('together, AES-GCM', () => {
    const key = simd.createGcmKey(16);
    key.setKey(KEY);
    const text = sample('secret', 320);
    const forged = sealed(key, text);
    forged[forged.length - 1]! ^= 1;
    memory.wipeScratch();
    const jobs = Array.from({ length: 16 }, () => jobOf(forged, 320, 320));
    for (const job of jobs) job.key = key;
    together.open(jobs, 16);
    expect(jobs.map((job) => job.written)).toEqual(Array(16).fill(REFUSED));
    expect(jobs.every((job) => job.output.every((byte) => byte === 0))).toBe(true);
    expect(partsIn(memory.heap, text)).toBe(0);
  });

  it('together: REFUSED for keys that are not there, nothing of the others lost', () => {
    const [key, none] = [simd.createGcmKey(16), simd.createGcmKey(16)];
    key.setKey(KEY);
    const text = sample('text', 100);
    const frame = sealed(key, text);
    const jobs = Array.from({ length: 8 }, (_, i) =>
      Object.assign(jobOf(frame, 100, 100), { key: i % 2 ? none : key }),
    );
    together.open(jobs, 8);
    expect(jobs.map((job) => job.written)).toEqual(jobs.map((_, i) => (i % 2 ? REFUSED : 100)));
  });

  it.each([320, 20_000])('SM4, one of %i bytes and several', (length) => {
    const key = simd.createSm4Key();
    key.setKey(KEY);
    const text = sample('secret', length);
    text.fill(0x11, length - 1);
    const job = jobOf(text, length, length);
    key.encryptBlocks(job);
    memory.wipeScratch();
    expect(openJob(key, job.output).written).toBe(REFUSED);
    expect(partsIn(memory.heap, text)).toBe(0);
    const jobs = Array.from({ length: 5 }, () => jobOf(job.output, length, length));
    key.decryptAll(jobs, 5);
    expect(jobs.map(({ written }) => written)).toEqual(Array(5).fill(REFUSED));
    expect(partsIn(memory.heap, text)).toBe(0);
  });

  it.each([320, 20_000])('portable, of %i bytes', (length) => {
    const text = sample('secret', length);
    text.fill(0x11, length - 1);
    const gcm = portableEngine.createGcmKey(16);
    gcm.setKey(KEY);
    const forged = sealed(gcm, text);
    forged[forged.length - 1]! ^= 1;
    staging.wipe();
    expect(openJob(gcm, forged).written).toBe(REFUSED);
    expect(partsIn(staging.memory, text)).toBe(0);
    const sm4 = portableEngine.createSm4Key();
    sm4.setKey(KEY);
    const job = jobOf(text, length, length);
    sm4.encryptBlocks(job);
    staging.wipe();
    expect(openJob(sm4, job.output).written).toBe(REFUSED);
    expect(partsIn(staging.memory, text)).toBe(0);
  });
});

describe("the portable engine's memory", () => {
  it.each(KINDS.slice(2))('%s: a wipe leaves no text, long or short', (_, make) => {
    const key = make();
    key.setKey(KEY);
    for (const length of [9000, 300, 20]) sealed(key, sample('text', length));
    const { memory: used } = staging;
    expect(used.some((byte) => byte !== 0)).toBe(true);
    key.wipe();
    expect(used.every((byte) => byte === 0)).toBe(true);
  });

  it('is wiped when a larger one takes its place', () => {
    const key = portableEngine.createGcmKey(16);
    key.setKey(KEY);
    sealed(key, sample('text', 300));
    const { memory: before } = staging;
    sealed(key, sample('text', before.length + 1));
    expect(staging.memory).not.toBe(before);
    expect(before.every((byte) => byte === 0)).toBe(true);
    key.wipe();
  });
});
