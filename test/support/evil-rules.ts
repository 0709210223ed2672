/**
 * Puts one hostile argument into one place of an otherwise right call, and judges what comes of it. The rules:
 *
 *     - a TypeError or RangeError (ConfigError, FrameError where the function has them), or the error that the caller's own
 *       accessor threw; otherwise the result that plain arrays with the real length and bytes give;
 *     - after an error or a status every byte of `out` and around it is as it was, and of a batch the results of frames that
 *       were not finished are negative;
 *     - inputs are never written; no KID and CTR comes twice, from any sealer; no message shows a secret;
 *     - ordinary calls of this object and of other channels are right afterwards.
 */
import { ConfigError } from '../../src/config-error.js';
import { FrameError } from '../../src/frames/error.js';
import { CLOSED, NO_ROOM, UNFINISHED } from '../../src/status.js';
import { mistyped } from './engines.js';
import type { Act, HostileBytes } from './evil.js';
import { type BatchArguments, type HostileBatch, type HostileNumber, STALE } from './evil-batch.js';
import { Memory, realBytes } from './evil-memory.js';

/** One right call, which `invoke` carries out with the arrays that it is given. */
export interface Round {
  /** Contents of the arrays that are read, frame by frame. */
  readonly inputs: readonly Uint8Array[];
  /** Bytes of the arrays that are written, one a frame; none where the result is a new array. */
  readonly rooms: readonly number[];
  /** `number`: in place of the right length. `spoil`: changes the containers of a batch. */
  readonly invoke: (inputs: Uint8Array[], outs: Uint8Array[], change: Change) => number | Uint8Array;
  /** Throws unless these contents give this result, bytes or a status. Returns KID and CTR of a sealed frame. */
  readonly verify: (frame: number, contents: readonly Uint8Array[], got: Uint8Array | number) => string | undefined;
  /** Of a call with a length: the right one. */
  readonly length?: number;
  /** Of a batch: the results as they are now, undefined where they cannot be read. */
  readonly results?: () => readonly (number | undefined)[];
}

export interface Change {
  readonly number?: number;
  readonly spoil?: (args: BatchArguments) => void;
}

/** One function under test. */
export interface Call {
  readonly name: string;
  /** Names of the arrays of one frame that are read, and of the one that is written. */
  readonly inputs: readonly string[];
  readonly out?: string;
  /** 'length' or 'count', where it takes one. */
  readonly number?: string;
  readonly throwsConfigError?: boolean;
  /** Frames of a batch, which `act.batch` also calls; `ordinary` calls are those of `act.same`. */
  readonly frames?: number;
  readonly ordinary?: boolean;
  readonly begin: () => Round;
}

export interface Subject {
  readonly calls: readonly Call[];
  readonly secrets: readonly Uint8Array[];
  close(): void;
  rotate(): void;
}

/** The object under test, and channels that were made beforehand. */
export interface World {
  readonly subject: Subject;
  readonly witnesses: readonly Subject[];
  /** Closed or given a new key by an accessor. */
  closed: boolean;
  spent: boolean;
  /** KID and CTR of every frame that was sealed. */
  readonly ledger: Set<string>;
}

const NONE = new Uint8Array(0);

/** What is hostile in a call: one array, the number, or a container of a batch. */
export interface Evil {
  readonly name: string;
  readonly must?: 'work' | 'refuse' | undefined;
  readonly place?: number;
  readonly bytes?: HostileBytes;
  readonly number?: HostileNumber;
  readonly batch?: HostileBatch;
}

function enter(world: World, key: string | undefined): void {
  if (key === undefined) return;
  if (world.ledger.has(key)) throw new Error('KID and CTR were used twice');
  world.ledger.add(key);
}

/** A call with plain arrays, which must be right; CLOSED, or its error, once the object is closed. */
function ordinary(world: World, subject: Subject, call: Call): void {
  const closed = world.closed && subject === world.subject;
  const judged = judge(world, subject, call, { name: 'ordinary' });
  if (closed ? judged.finished > 0 : judged.finished !== (call.frames ?? 1))
    throw new Error(`${call.name}: an ordinary call fails`);
}

export function callAll(world: World, subject: Subject, which: (call: Call) => unknown): void {
  for (const call of subject.calls) if (which(call)) ordinary(world, subject, call);
}

export const othersOf = (world: World): void => {
  for (const witness of world.witnesses) callAll(world, witness, (call) => call.ordinary);
};

function allowed(world: World, call: Call, error: unknown, own: Error): boolean {
  if (error === own || error instanceof TypeError || error instanceof RangeError) return true;
  if (world.closed && /closed|destroyed/.test(String(error))) return true;
  return error instanceof ConfigError && call.throwsConfigError === true;
}

/** A byte string as hex, Base64 and decimal numbers show it, in part. */
function traces(secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret);
  return [
    bytes.toString('hex', 0, 6),
    bytes.toString('base64', 0, 6),
    bytes.subarray(0, 4).join(),
    bytes.subarray(0, 4).join(', '),
  ];
}

/** Fails where a message shows the start of a key, a salt or an input. */
export function keepsSecrets(error: unknown, secrets: readonly Uint8Array[]): void {
  const message = String(error).toLowerCase();
  for (const secret of secrets) {
    if (secret.length < 12) continue;
    for (const trace of traces(secret))
      if (message.includes(trace.toLowerCase())) throw new Error('the message shows a secret');
  }
}

/** A frame of a batch whose result cannot be read: its bytes must be right for some length. */
function verifyAnyLength(round: Round, frame: number, contents: Uint8Array[], memory: Memory): string | undefined {
  for (let length = 0; length <= memory.length; length++) {
    const bytes = memory.written(length);
    if (bytes === undefined) continue;
    try {
      return round.verify(frame, contents, bytes);
    } catch {
      // Of another length, then.
    }
  }
  throw new Error('out holds what is no frame');
}

export interface Judged {
  readonly finished: number;
  readonly threw: boolean;
}

/** One call, hostile or plain. Throws where a rule is broken. */
export function judge(world: World, subject: Subject, call: Call, evil: Evil): Judged {
  const round = call.begin();
  const memories: Memory[] = [];
  const inputCount = round.inputs.length;
  const failures: unknown[] = [];
  /** An accessor's own calls; what they find is kept, because the call under test might swallow it. */
  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      failures.push(error);
    }
  };
  const act: Act = {
    error: new Error('thrown by an accessor'),
    same: () => guarded(() => callAll(world, subject, (other) => other.ordinary)),
    batch: () => guarded(() => callAll(world, subject, (other) => other.frames)),
    others: () => guarded(() => othersOf(world)),
    close: () => {
      world.closed = world.spent = true;
      guarded(() => subject.close());
    },
    rotate: () => {
      world.spent = true;
      guarded(() => subject.rotate());
    },
    get outs() {
      return memories.slice(inputCount);
    },
  };
  const contents = [...round.inputs, ...round.rooms.map((room) => new Uint8Array(room).fill(0x5a))];
  const values = contents.map((content, i) => {
    const made = i === evil.place ? evil.bytes!.make(content, act) : undefined;
    const memory = made?.memory ?? new Memory(content);
    memories.push(memory);
    return made === undefined ? memory.view() : mistyped<Uint8Array>(made.value);
  });
  const before = values.map(realBytes);
  const change: Change = {
    ...(evil.number ? { number: mistyped<number>(evil.number.make(act)) } : {}),
    ...(evil.batch ? { spoil: (args) => evil.batch!.spoil(args, act) } : {}),
  };

  let returned: number | Uint8Array | undefined;
  let thrown: unknown;
  try {
    returned = round.invoke(values.slice(0, inputCount), values.slice(inputCount), change);
  } catch (error) {
    if (error instanceof FrameError && round.rooms.length === 0) returned = error.status;
    else thrown = error ?? new Error('nothing was thrown');
  }
  if (failures.length > 0) throw new Error(`in the accessor: ${failures[0]}`);
  if (thrown !== undefined) {
    keepsSecrets(thrown, [...subject.secrets, ...round.inputs]);
    if (!allowed(world, call, thrown, act.error)) throw new Error(`throws ${String(thrown)}`);
  }

  const after = values.map(realBytes);
  const frames = call.frames ?? 1;
  const each = inputCount / frames;
  const results = round.results?.() ?? [typeof returned === 'object' ? returned.length : returned];
  let finished = 0;
  for (let i = 0; i < inputCount; i++) if (!memories[i]!.untouched) throw new Error(`input ${i} was written`);
  for (let frame = 0; frame < frames; frame++) {
    const memory = memories[inputCount + frame];
    const result = results[frame];
    const mine = (list: (Uint8Array | undefined)[]) =>
      list.slice(frame * each, (frame + 1) * each).map((bytes) => (bytes ?? NONE).slice(0, round.length));
    if (result === undefined && call.frames !== undefined) {
      if (memory!.untouched) continue;
      enter(world, verifyAnyLength(round, frame, mine(before), memory!));
      continue;
    }
    if (result === undefined || result === STALE || result < 0) {
      if (memory?.untouched === false) throw new Error('out was touched');
      const whole = evil.batch !== undefined || evil.number !== undefined;
      const stale =
        result === STALE &&
        thrown !== undefined &&
        !(whole && results.every((one) => one === undefined || one === STALE));
      if (stale) throw new Error('a frame that was not finished keeps a result that is not negative');
    }
    if (result === undefined || result === STALE || (result === CLOSED && world.closed)) continue;
    if (result === UNFINISHED && thrown !== undefined) continue;
    if (!Number.isInteger(result)) throw new Error(`returns ${result}`);
    if (result === NO_ROOM && memory !== undefined) {
      const room = Math.min(before[inputCount + frame]?.length ?? 0, after[inputCount + frame]?.length ?? 0);
      const longer = mine(after).some((bytes, i) => bytes.length > round.inputs[frame * each + i]!.length);
      if (room < round.rooms[frame]! || longer) continue;
    }
    const bytes = result < 0 ? result : memory === undefined ? mistyped<Uint8Array>(returned) : memory.written(result);
    if (bytes === undefined) throw new Error('a success whose bytes are not in out, or lie outside it');
    const payload = mine(before).at(-1)!.slice(-16);
    const hasText = () =>
      typeof bytes === 'object' && payload.length === 16 && Buffer.from(bytes).includes(Buffer.from(payload));
    let key: string | undefined;
    try {
      key = round.verify(frame, mine(before), bytes);
    } catch (error) {
      try {
        key = round.verify(frame, mine(after), bytes);
      } catch {
        throw new Error(hasText() ? 'a success over plaintext' : String(error));
      }
    }
    enter(world, key);
    if (result >= 0) finished++;
  }
  if (
    round.results &&
    typeof returned === 'number' &&
    results.every((one) => one !== undefined) &&
    returned !== finished
  )
    throw new Error(`says ${returned} succeeded, of ${finished}`);
  return { finished, threw: thrown !== undefined };
}
