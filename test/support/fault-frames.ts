/**
 * Frames for a channel under test, and what is right of them, made by the second implementation; and channels that
 * stand by: they share an engine with the channel under test and must not notice.
 */
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import type { KnownMode } from '../../src/channel/config.js';
import type { Framing } from '../../src/channel/layout.js';
import { pickEngine } from '../../src/engine/pick.js';
import { concat } from './arrays.js';
import { bytes, config, countedSessions, KID, referenceSeal, rtp } from './channel.js';
import type { EngineName } from './engines.js';
import { FaultyEngine } from './faults.js';
import { toHex, u64 } from './fixtures.js';
import { keySchedule } from './key-schedule.js';
import { pad, sm4 } from './second/format.mjs';
import { sm4Keys } from './second/keys.mjs';

export interface Setup {
  readonly engine: EngineName;
  readonly mode: KnownMode;
  readonly framing: Framing;
}

export const KEY_ID = 3;
/** That of the key after a rotation. */
export const NEXT_KEY_ID = 4;

export function clearBytes({ framing }: Setup): number {
  return framing === 'rtp' ? 24 : 0;
}

const inputs = new Map<string, Uint8Array>();

/** An input with a payload of a given length, always the same. */
export function inputOf({ framing }: Setup, payloadBytes: number): Uint8Array {
  const name = `${framing} ${payloadBytes}`;
  const known = inputs.get(name);
  if (known !== undefined) return known;
  const payload = bytes(payloadBytes, payloadBytes);
  const made = framing === 'rtp' ? rtp(payload, { csrcs: 1, extension: 1 }) : payload;
  inputs.set(name, made);
  return made;
}

const frames = new Map<string, Uint8Array>();

/** The frame that a sender makes of an input, by the second implementation. */
export function frameOf(setup: Setup, input: Uint8Array, kid: bigint, ctr: number): Uint8Array {
  const name = `${setup.mode} ${setup.framing} ${input.length} ${kid} ${ctr}`;
  const known = frames.get(name);
  if (known !== undefined) return known;
  const clear = input.subarray(0, clearBytes(setup));
  const payload = input.subarray(clear.length);
  const settings = config(setup.mode, Number(kid >> 60n));
  const sealed =
    setup.mode === 'SM4_128_ECB' ? sm4Blocks(payload) : referenceSeal(settings, kid, BigInt(ctr), payload, clear);
  const made = concat(clear, sealed);
  frames.set(name, made);
  return made;
}

function sm4Blocks(payload: Uint8Array): Uint8Array {
  const { key16 } = sm4Keys(config('SM4_128_ECB', KEY_ID).encryptionKey as Uint8Array);
  return concat(sm4(key16, pad(Buffer.from(payload)), true));
}

/** A frame that comes in: of which sender, with which counter, and what is wrong with it. */
export interface Incoming {
  readonly kid: bigint;
  readonly ctr: number;
  readonly payload: number;
  readonly fault?: 'forged' | 'malformed' | 'no room';
}

/** The KID of a sender, by its number and its key's id. */
export function kidOf(sender: number, keyId: number = KEY_ID): bigint {
  return (BigInt(keyId) << 60n) | (0x0200_0000_0000_0000n + BigInt(sender));
}

/** In hex, the frame keys of KIDs that tests have under a key. */
export function frameKeysOf(mode: KnownMode, keyId: number): ReadonlySet<string> {
  const { encryptionKey, encryptionKdfSalt } = config(mode, keyId);
  const kids = Array.from({ length: 100 }, (_, i) => [
    kidOf(i, keyId),
    (BigInt(keyId) << 60n) | (KID + BigInt(i)),
  ]).flat();
  const keys = kids.map((kid) =>
    toHex(keySchedule(mode, encryptionKey as Uint8Array, encryptionKdfSalt as Uint8Array, u64(kid)).frameKey),
  );
  return new Set(keys);
}

/** Two channels of a mode on one engine: frames go from the one to the other, alone and together. */
export class Bystanders {
  readonly #setup: Setup;
  readonly #engine: FaultyEngine;
  readonly #channels: readonly Channel[];
  readonly #send: (input: Uint8Array, out: Uint8Array) => number;
  readonly #receive: (inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array) => number;
  #ctr = 0;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#engine = new FaultyEngine(pickEngine(setup.engine));
    this.#channels = [0n, 0x100n].map((first) =>
      enableEncryptionWith(
        config(setup.mode, KEY_ID),
        { framing: setup.framing },
        countedSessions(KID + first),
        this.#engine,
      ),
    );
    const sealer = this.#channels[0]!.createSealer();
    const opener = this.#channels[1]!.createOpener();
    this.#send = (input, out) => sealer.seal(input, out);
    this.#receive = (inputs, outs, results) => opener.openBatch(inputs, outs, results);
  }

  /** True where frames arrive as they should. */
  areWell(): boolean {
    const input = inputOf(this.#setup, 20);
    const first = frameOf(this.#setup, input, (BigInt(KEY_ID) << 60n) | KID, this.#ctr);
    const frameBytes = first.length;
    const sealed = Array.from({ length: 8 }, () => new Uint8Array(frameBytes + 8));
    const lengths = sealed.map((out) => this.#send(input, out));
    this.#ctr += sealed.length;
    const outs = sealed.map(() => new Uint8Array(frameBytes + 8));
    const whole = sealed.map((out, i) => out.subarray(0, lengths[i]!));
    const opened = this.#receive(whole, outs, new Int32Array(sealed.length));
    const isRight = (out: Uint8Array) => Buffer.compare(out.subarray(0, input.length), input) === 0;
    return (
      Buffer.compare(whole[0]!, first) === 0 &&
      opened === sealed.length &&
      outs.every(isRight) &&
      this.#engine.usedTwice.length === 0
    );
  }
}
