/** The portable engine, watched: what keys were given and whether they were wiped; and with faults where a test wants them. */
import type { Engine, FrameJob, GcmKey, Sm4Key } from '../../src/engine/engine.js';
import { portableEngine } from '../../src/engine/portable/portable.js';

/** Where a fault may be: before something is done, and after it (`set`, `sealed`). */
type Point =
  | 'setKey'
  | 'set'
  | 'wipe'
  | 'seal'
  | 'sealed'
  | 'sealAll'
  | 'sealedAll'
  | 'open'
  | 'openAll'
  | 'encryptBlock';

/** A key that notes the arrays it was given and whether it holds a key. */
class SpyKey<Key extends GcmKey | Sm4Key> {
  readonly real: Key;
  readonly arrays: Uint8Array[] = [];
  readonly at: (point: Point) => void;
  hasKey = false;
  wipes = 0;

  constructor(real: Key, at: (point: Point) => void) {
    this.real = real;
    this.at = at;
  }

  setKey(key: Uint8Array): void {
    this.arrays.push(key);
    this.at('setKey');
    this.real.setKey(key);
    this.hasKey = true;
    this.at('set');
  }

  wipe(): void {
    this.wipes++;
    this.at('wipe');
    this.real.wipe();
    this.hasKey = false;
  }
}

class SpyGcmKey extends SpyKey<GcmKey> implements GcmKey {
  seal(job: FrameJob): void {
    this.at('seal');
    this.real.seal(job);
    this.at('sealed');
  }

  open(job: FrameJob): boolean {
    this.at('open');
    return this.real.open(job);
  }

  encryptBlock(input: Uint8Array, output: Uint8Array): void {
    this.at('encryptBlock');
    this.real.encryptBlock(input, output);
  }
}

class SpySm4Key extends SpyKey<Sm4Key> implements Sm4Key {
  encryptBlocks = (job: FrameJob): void => this.real.encryptBlocks(job);
  decryptBlocks = (job: FrameJob): void => this.real.decryptBlocks(job);
  encrypt = (job: FrameJob): number => this.real.encrypt(job);
  decrypt = (job: FrameJob): number => this.real.decrypt(job);
  encryptAll = (jobs: readonly FrameJob[], count: number): void => this.real.encryptAll(jobs, count);
  decryptAll = (jobs: readonly FrameJob[], count: number): void => this.real.decryptAll(jobs, count);
}

export class SpyEngine implements Engine {
  readonly name = 'portable';
  readonly constantTime = false;
  readonly keys: SpyKey<GcmKey | Sm4Key>[] = [];
  /** Calls of each point so far. */
  readonly calls = new Map<Point, number>();
  /** Called at each point: throws where a test wants that. */
  fault: (point: Point) => void = () => {};

  createGcmKey(keyBytes: 16 | 32): GcmKey {
    const key = new SpyGcmKey(portableEngine.createGcmKey(keyBytes), (point) => this.#at(point));
    this.keys.push(key);
    return key;
  }

  createSm4Key(): Sm4Key {
    const key = new SpySm4Key(portableEngine.createSm4Key(), (point) => this.#at(point));
    this.keys.push(key);
    return key;
  }

  sealAll(jobs: readonly FrameJob[], count: number): void {
    this.#at('sealAll');
    portableEngine.sealAll(jobs, count);
    this.#at('sealedAll');
  }

  openAll(jobs: readonly FrameJob[], count: number): void {
    this.#at('openAll');
    portableEngine.openAll(jobs, count);
  }

  /** Throws at a point, once, and gives what is thrown. */
  failAt(point: Point, error = new Error(`a fault at ${point}`)): Error {
    this.fault = (at) => {
      if (at !== point) return;
      this.fault = () => {};
      throw error;
    };
    return error;
  }

  get liveKeys(): number {
    return this.keys.filter((key) => key.hasKey).length;
  }

  /** Whether every array that a key was given is zero by now. */
  get arraysAreWiped(): boolean {
    return this.keys.every((key) => key.arrays.every((array) => array.every((byte) => byte === 0)));
  }

  #at(point: Point): void {
    this.calls.set(point, (this.calls.get(point) ?? 0) + 1);
    this.fault(point);
  }
}
