/**
 * Subjects on the engines themselves: seal, open, tag compare, padding check and key schedule, each by what its two classes
 * differ in.
 *
 * A key has one slot throughout, and takes its next key just before the clock starts: a pool of key objects, some of each
 * class, would compare the addresses of these as well.
 */
// The folder that this is compiled to lies as deep as the folder of its source.
import { type Engine, FrameJob, type GcmKey, type Sm4Key } from '../../../dist/engine/engine.js';
import { pickEngine } from '../../../dist/engine/pick.js';
import { fixedAgainstRandom, type InputClass, nothing, type Subject } from './subject.js';

export type EngineName = 'simd' | 'portable';

const TEXT_BYTES = 160;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;
/** A key of any kind: as many of its bytes as the cipher takes. */
const SOME_KEY = Uint8Array.from({ length: 32 }, (_, i) => (i * 151 + 77) & 0xff);
const SOME_TEXT = Uint8Array.from({ length: TEXT_BYTES }, (_, i) => (i * i * 41 + i * 113) >> 2);
/** The SIMD engine takes AAD of more than 1,024 bytes in pieces: another way, with a comparison of tags of its own. */
export const LONG_AAD_BYTES = 1040;

/** A key slot, and the job of sealing or opening `text` under it; output goes to an array of its own. */
interface GcmBench {
  readonly key: GcmKey;
  readonly job: FrameJob;
}

function gcmBench(engine: Engine, keyBytes: 16 | 32, text: Uint8Array, aadBytes = 12): GcmBench {
  const key = engine.createGcmKey(keyBytes);
  key.setKey(SOME_KEY.subarray(0, keyBytes));
  const job = new FrameJob();
  job.nonce = SOME_KEY.slice(0, 12);
  job.aad = new Uint8Array(aadBytes).fill(0x5a);
  job.aadLength = aadBytes;
  job.input = text;
  job.length = TEXT_BYTES;
  job.output = new Uint8Array(TEXT_BYTES + TAG_BYTES);
  return { key, job };
}

/** Seals bytes[at, at + TEXT_BYTES) in place, with the tag after them. */
function sealInPlace({ key, job }: GcmBench, bytes: Uint8Array, at = 0): void {
  const own = Object.assign(new FrameJob(), job, { input: bytes, inputAt: at, output: bytes, outputAt: at });
  key.seal(own);
}

export function sealText(name: EngineName, keyBytes: 16 | 32): Subject {
  const input = new Uint8Array(TEXT_BYTES);
  const { key, job } = gcmBench(pickEngine(name), keyBytes, input);
  return { input, prepare: fixedAgainstRandom, ready: nothing, run: () => key.seal(job) };
}

export function sealKey(name: EngineName, keyBytes: 16 | 32): Subject {
  const input = new Uint8Array(keyBytes);
  const { key, job } = gcmBench(pickEngine(name), keyBytes, SOME_TEXT);
  return { input, prepare: fixedAgainstRandom, ready: () => key.setKey(input), run: () => key.seal(job) };
}

/** Genuine frames. */
export function openText(name: EngineName, keyBytes: 16 | 32): Subject {
  const input = new Uint8Array(TEXT_BYTES + TAG_BYTES);
  const bench = gcmBench(pickEngine(name), keyBytes, input);
  const prepare = (bytes: Uint8Array, inputClass: InputClass): void => {
    fixedAgainstRandom(bytes, inputClass);
    sealInPlace(bench, bytes);
  };
  return { input, prepare, ready: nothing, run: () => mustBe(true, bench.key.open(bench.job)) };
}

/** Genuine frames, each of its key: the input is the key, and then the frame. */
export function openKey(name: EngineName, keyBytes: 16 | 32): Subject {
  const input = new Uint8Array(keyBytes + TEXT_BYTES + TAG_BYTES);
  const bench = gcmBench(pickEngine(name), keyBytes, input);
  const { key, job } = bench;
  job.inputAt = keyBytes;
  const prepare = (bytes: Uint8Array, inputClass: InputClass): void => {
    fixedAgainstRandom(bytes.subarray(0, keyBytes), inputClass);
    key.setKey(bytes.subarray(0, keyBytes));
    sealInPlace(bench, bytes, keyBytes);
  };
  const keyOfInput = input.subarray(0, keyBytes);
  return { input, prepare, ready: () => key.setKey(keyOfInput), run: () => mustBe(true, key.open(job)) };
}

/** Frames whose tag is wrong in its first byte, against its last. */
export function openForged(name: EngineName, keyBytes: 16 | 32, aadBytes = 12): Subject {
  const input = new Uint8Array(TEXT_BYTES + TAG_BYTES);
  const bench = gcmBench(pickEngine(name), keyBytes, input, aadBytes);
  const prepare = (bytes: Uint8Array, inputClass: InputClass): void => {
    sealInPlace(bench, bytes);
    bytes[inputClass === 0 ? TEXT_BYTES : TEXT_BYTES + TAG_BYTES - 1]! ^= 0x40;
  };
  return { input, prepare, ready: nothing, run: () => mustBe(false, bench.key.open(bench.job)) };
}

export function gcmKeySchedule(name: EngineName, keyBytes: 16 | 32): Subject {
  const input = new Uint8Array(keyBytes);
  const key = pickEngine(name).createGcmKey(keyBytes);
  return { input, prepare: fixedAgainstRandom, ready: nothing, run: () => key.setKey(input) };
}

/** One block alone: derivation of SRTP's keys is made of these. */
export function blockKey(name: EngineName, keyBytes: 16 | 32): Subject {
  const input = new Uint8Array(keyBytes);
  const key = pickEngine(name).createGcmKey(keyBytes);
  const [block, output] = [SOME_TEXT.slice(0, BLOCK_BYTES), new Uint8Array(BLOCK_BYTES)];
  return {
    input,
    prepare: fixedAgainstRandom,
    ready: () => key.setKey(input),
    run: () => key.encryptBlock(block, output),
  };
}

function sm4Bench(name: EngineName, text: Uint8Array): { key: Sm4Key; job: FrameJob } {
  const key = pickEngine(name).createSm4Key();
  key.setKey(SOME_KEY.subarray(0, BLOCK_BYTES));
  const job = new FrameJob();
  job.input = text;
  job.length = TEXT_BYTES;
  job.output = new Uint8Array(TEXT_BYTES + BLOCK_BYTES);
  return { key, job };
}

export function sm4Text(name: EngineName, operation: 'encryptBlocks' | 'decryptBlocks'): Subject {
  const input = new Uint8Array(TEXT_BYTES);
  const { key, job } = sm4Bench(name, input);
  return { input, prepare: fixedAgainstRandom, ready: nothing, run: () => key[operation](job) };
}

export function sm4Key(name: EngineName, operation: 'encryptBlocks' | 'decryptBlocks'): Subject {
  const input = new Uint8Array(BLOCK_BYTES);
  const { key, job } = sm4Bench(name, SOME_TEXT);
  return { input, prepare: fixedAgainstRandom, ready: () => key.setKey(input), run: () => key[operation](job) };
}

export function sm4KeySchedule(name: EngineName): Subject {
  const input = new Uint8Array(BLOCK_BYTES);
  const key = pickEngine(name).createSm4Key();
  return { input, prepare: fixedAgainstRandom, ready: nothing, run: () => key.setKey(input) };
}

/** A last block that claims sixteen bytes of padding, of which the first is wrong, against the last but one. Refused. */
export function sm4Padding(name: EngineName): Subject {
  const input = new Uint8Array(TEXT_BYTES);
  const { key, job } = sm4Bench(name, input);
  const prepare = (bytes: Uint8Array, inputClass: InputClass): void => {
    bytes.fill(BLOCK_BYTES, TEXT_BYTES - BLOCK_BYTES);
    bytes[TEXT_BYTES - (inputClass === 0 ? BLOCK_BYTES : 2)] = BLOCK_BYTES ^ 0x40;
    key.encryptBlocks(Object.assign(new FrameJob(), job, { input: bytes, output: bytes }));
  };
  return { input, prepare, ready: nothing, run: () => mustBe(-1, key.decrypt(job)) };
}

/** Throws where a subject does not do what its row says: its times would be worthless. */
function mustBe<T>(expected: T, actual: T): void {
  if (actual !== expected) throw new Error(`expected ${expected}, got ${actual}: this row measures something else`);
}
