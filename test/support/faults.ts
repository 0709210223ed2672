/**
 * Faults at every point where something else runs: a call of the engine, a copy, a step of a derivation, a draw of random
 * numbers, a timer. `FaultPoints.run` counts the points of an action, or throws at one of them: before what happens there,
 * or after it.
 *
 * The platform's copy throws before it writes, or writes everything: where the target is an output (FaultPoints.outputs),
 * there is no point after it.
 */
import { _HMAC } from '@noble/hashes/hmac.js';
import type { Engine, FrameJob, GcmKey, Sm4Key } from '../../src/engine/engine.js';
import { toHex } from './fixtures.js';

/** What is thrown; `subject` is the key object, hash state or timer at work. */
export class Fault extends Error {
  readonly subject: unknown;

  constructor(point: string, subject: unknown) {
    super(point);
    this.subject = subject;
  }
}

type Copy = (target: Uint8Array, source: Uint8Array, at: number) => void;

class FaultPoints {
  /** How often each point was passed while points were counted. */
  readonly passed = new Map<string, number>();
  /** How often each thing was reached in this run, whether it threw or not. */
  readonly reached = new Map<string, number>();
  /** Arrays that a library's caller gave as outputs. */
  outputs = new Set<unknown>();
  /** The fault that was thrown since the last `run` began. */
  fired: Fault | undefined;
  #running = false;
  #points = 0;
  #at = 0;
  #persists = false;

  /**
   * Runs an action, with a fault at its point `at`, from 1 up; 0: at none. A fault that persists comes at every later point
   * too. Gives the points and what the action threw.
   */
  run(
    at: number,
    action: () => void,
    persists: 'once' | 'persists' = 'once',
  ): { readonly points: number; readonly error: unknown } {
    this.fired = undefined;
    this.reached.clear();
    this.#points = 0;
    this.#at = at;
    this.#persists = persists === 'persists';
    this.#running = true;
    let error: unknown;
    try {
      action();
    } catch (thrown) {
      error = thrown;
    }
    this.#running = false;
    return { points: this.#points, error };
  }

  around<Result>(name: string, subject: unknown, action: () => Result): Result {
    if (!this.#running) return action();
    this.reached.set(name, (this.reached.get(name) ?? 0) + 1);
    this.#point(`before ${name}`, subject);
    const result = action();
    this.#point(`after ${name}`, subject);
    return result;
  }

  /** `copyInto` with points. */
  copies(copy: Copy): Copy {
    return (target, source, at) => {
      if (!this.outputs.has(target)) return this.around('copy', target, () => copy(target, source, at));
      if (this.#running) this.#point('before copy to out', target);
      copy(target, source, at);
    };
  }

  #point(name: string, subject: unknown): void {
    if (this.#at === 0) this.passed.set(name, (this.passed.get(name) ?? 0) + 1);
    this.#points++;
    const isDue = this.#persists ? this.#points >= this.#at : this.#points === this.#at;
    if (this.#at === 0 || !isDue) return;
    const fault = new Fault(name, subject);
    this.fired ??= fault;
    throw fault;
  }
}

export const faultPoints: FaultPoints = new FaultPoints();

/** Puts points around a method, by an own property or on a prototype. */
function put<Name extends string>(target: { [name in Name]: unknown }, name: Name): void {
  const real = target[name] as (...args: unknown[]) => unknown;
  target[name] = function (this: unknown, ...args: unknown[]) {
    return faultPoints.around(name, this ?? target, () => real.apply(this, args));
  };
}

/** Puts points into the steps of derivations and around timers; gives a function that takes them away. */
export function putFaults(): () => void {
  const hmac = _HMAC.prototype;
  const { update, digestInto, destroy } = hmac;
  const { setTimeout, clearTimeout } = globalThis;
  for (const name of ['update', 'digestInto', 'destroy'] as const) put(hmac, name);
  const withFaultyUnref = (...args: Parameters<typeof setTimeout>) => {
    const timer = setTimeout(...args);
    put(timer, 'unref');
    return timer;
  };
  Object.assign(globalThis, { setTimeout: withFaultyUnref });
  for (const name of ['setTimeout', 'clearTimeout'] as const) put(globalThis, name);
  return () => {
    Object.assign(hmac, { update, digestInto, destroy });
    Object.assign(globalThis, { setTimeout, clearTimeout });
  };
}

const KERNELS = ['seal', 'open', 'packKeys', 'powerTables', 'sm4', 'sm4Keys'];

/** Puts points around kernels of the SIMD engine, its frames and its key set-up; for before an engine is made. */
export function putKernelFaults(): void {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function FaultyInstance(module: WebAssembly.Module) {
    const exports: Record<string, unknown> = { ...new Instance(module).exports };
    for (const name of KERNELS) {
      const real = exports[name] as (...args: number[]) => void;
      exports[name] = (...args: number[]) => faultPoints.around(`kernel ${name}`, undefined, () => real(...args));
    }
    return { exports };
  } as unknown as typeof Instance;
}

/** Puts points into the set-up of the portable engine's keys. */
export function putPortableFaults(...prototypes: { setKey: unknown; wipe: unknown }[]): void {
  for (const prototype of prototypes) {
    for (const name of ['setKey', 'wipe'] as const) put(prototype, name);
  }
}

/** A real engine with points around every call, all its keys, and a ledger of what they sealed. */
export class FaultyEngine implements Engine {
  readonly name: Engine['name'];
  readonly constantTime: boolean;
  readonly gcmKeys: GcmKey[] = [];
  readonly sm4Keys: Sm4Key[] = [];
  /** The bytes that a key was given last. */
  readonly keyBytes = new Map<unknown, string>();
  /** A line for each key and nonce that were to be used a second time. */
  readonly usedTwice: string[] = [];
  readonly #real: Engine;
  readonly #used = new Set<string>();
  readonly #unset = new Set<unknown>();
  /** Jobs of a `sealAll` that is going on. */
  readonly #ordered = new Set<FrameJob>();

  constructor(real: Engine) {
    this.#real = real;
    this.name = real.name;
    this.constantTime = real.constantTime;
  }

  createGcmKey(keyBytes: 16 | 32): GcmKey {
    return faultPoints.around('createGcmKey', undefined, () => {
      const key = this.#real.createGcmKey(keyBytes);
      this.gcmKeys.push(key);
      this.#watchSetKey(key);
      for (const name of ['setKey', 'seal', 'open', 'wipe'] as const) put(key, name);
      const { setKey, seal } = key;
      key.setKey = (bytes) => {
        this.keyBytes.set(key, toHex(bytes));
        setKey.call(key, bytes);
      };
      key.seal = (job) => {
        if (!this.#ordered.delete(job)) this.#note(key, job);
        seal.call(key, job);
      };
      return key;
    });
  }

  createSm4Key(): Sm4Key {
    return faultPoints.around('createSm4Key', undefined, () => {
      const key = this.#real.createSm4Key();
      this.sm4Keys.push(key);
      this.#watchSetKey(key);
      for (const name of ['setKey', 'encrypt', 'decrypt', 'encryptAll', 'decryptAll', 'wipe'] as const) put(key, name);
      return key;
    });
  }

  sealAll(jobs: readonly FrameJob[], count: number): void {
    this.#ordered.clear();
    for (const job of jobs.slice(0, count)) {
      this.#note(job.key!, job);
      this.#ordered.add(job);
    }
    faultPoints.around('sealAll', undefined, () => this.#real.sealAll(jobs, count));
    this.#ordered.clear();
  }

  openAll(jobs: readonly FrameJob[], count: number): void {
    faultPoints.around('openAll', undefined, () => this.#real.openAll(jobs, count));
  }

  /** Keys whose last `setKey` threw, and that work all the same. */
  get halfSet(): readonly unknown[] {
    return this.live.filter((key) => this.#unset.has(key));
  }

  #watchSetKey(key: GcmKey | Sm4Key): void {
    const { setKey } = key;
    key.setKey = (bytes) => {
      this.#unset.add(key);
      setKey.call(key, bytes);
      this.#unset.delete(key);
    };
  }

  /** The keys that have not been wiped. */
  get live(): readonly (GcmKey | Sm4Key)[] {
    return [...this.gcmKeys.filter(canSeal), ...this.sm4Keys.filter(canEncrypt)];
  }

  #note(key: GcmKey, { nonce }: FrameJob): void {
    const use = `${this.keyBytes.get(key)} ${toHex(nonce)}`;
    if (this.#used.has(use)) this.usedTwice.push('a key and a nonce were used twice');
    this.#used.add(use);
  }
}

/** A job of no bytes, under an unused nonce. */
function probe(): FrameJob {
  return { ...PROBE, output: new Uint8Array(16) } as FrameJob;
}

const NO_BYTES = new Uint8Array(0);
const PROBE = {
  nonce: new Uint8Array(12).fill(0xff),
  nonceWords: new Int32Array(3).fill(-1),
  aad: NO_BYTES,
  aadLength: 0,
  input: NO_BYTES,
  inputAt: 0,
  length: 0,
  head: NO_BYTES,
  headAt: 0,
  headLength: 0,
  outputAt: 0,
};

function canSeal(key: GcmKey): boolean {
  return works(() => Object.getPrototypeOf(key).seal.call(key, probe()));
}

function canEncrypt(key: Sm4Key): boolean {
  return works(() => Object.getPrototypeOf(key).encrypt.call(key, probe()));
}

/** False where it throws EngineError; another error passes. */
function works(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'EngineError') return false;
    throw error;
  }
}
