/**
 * The functions of a channel that take bytes, as data for evil-run.ts: which arrays each reads and writes, how it is called, and what is
 * right by node:crypto. Another protocol needs one more function like these.
 */
import { BAD_TAG } from '../../src/aead.js';
import { type Channel, type EncryptionConfig, enableEncryption, MALFORMED } from '../../src/index.js';
import { concat } from './arrays.js';
import { bytes, config, referenceSender, rtp } from './channel.js';
import type { EngineName } from './engines.js';
import { isBytes, refused, same, sm4 } from './evil-aead.js';
import { type BatchArguments, STALE } from './evil-batch.js';
import { realInts } from './evil-memory.js';
import type { Call, Change, Round, Subject } from './evil-rules.js';
import { sframeHeader } from './sframe.js';

export interface ChannelSetup {
  readonly engine: EngineName;
  readonly mode: 'AES_128_GCM2' | 'SM4_128_ECB';
  readonly framing: 'rtp' | 'frame';
}

/** Frames of a batch. */
export const FRAMES = 9;
const PAYLOAD_BYTES = 40;
const RTP_HEADER_BYTES = 24;
const MOST_ADDED = 29;
const CLEAR_BYTES = 10;
/** The KID of a sender elsewhere. */
const FOREIGN = 0x0777_0000_0000_0001n;

/** What a channel's frames must be. */
class Reference {
  readonly settings: EncryptionConfig[];
  readonly #senders = new Map<bigint, ReturnType<typeof referenceSender>>();
  readonly #header: number;
  readonly #sm4Key: Uint8Array | undefined;

  /** The keys of each keyId. */
  constructor(setup: Omit<ChannelSetup, 'engine'>, ...settings: EncryptionConfig[]) {
    this.#header = setup.framing === 'rtp' ? RTP_HEADER_BYTES : 0;
    this.settings = settings;
    if (setup.mode === 'SM4_128_ECB') this.#sm4Key = settings[0]!.encryptionKey as Uint8Array;
  }

  /** All that stays in the clear is authenticated: header and clear bytes are one. */
  seal(frame: Uint8Array, kid: bigint, ctr: number, clear = 0): Uint8Array {
    const start = this.#header + clear;
    const [header, payload] = [frame.subarray(0, start), frame.subarray(start)];
    if (this.#sm4Key) return concat(header, sm4(this.#sm4Key, payload));
    let sender = this.#senders.get(kid);
    if (sender === undefined) {
      sender = referenceSender(this.settings[Number(kid >> 60n)]!, kid);
      this.#senders.set(kid, sender);
    }
    return concat(header, sender(BigInt(ctr), payload, header));
  }

  /** Throws unless `got` is this frame, sealed; returns its KID and CTR. */
  verifySealed(frame: Uint8Array, got: Uint8Array | number, clear = 0): string | undefined {
    if (frame.length < this.#header + clear) return refused(got, MALFORMED);
    if (typeof got === 'number') return refused(got);
    if (this.#sm4Key) return isBytes(got, this.seal(frame, 0n, 0, clear));
    const { kid, ctr } = sframeHeader(got, this.#header + clear);
    isBytes(got, this.seal(frame, kid, ctr, clear));
    return `${kid}/${ctr}`;
  }
}

const PAYLOADS = Array.from({ length: 64 }, (_, i) => bytes(PAYLOAD_BYTES, i));
const PACKETS = PAYLOADS.map((payload, sequence) => rtp(payload, { csrcs: 1, extension: 1, sequence }));

/** `count` frames of a channel, each with another payload. */
function framesOf(framing: 'rtp' | 'frame', count: number, first: number): Uint8Array[] {
  const all = framing === 'rtp' ? PACKETS : PAYLOADS;
  return Array.from({ length: count }, (_, i) => all[(first + i) % all.length]!);
}

type Batch = (inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number) => number;

/** A batch's containers, made for one round. */
export function batchRound(batch: Batch, inputs: Uint8Array[], rooms: number[], verify: Round['verify']): Round {
  let results: Int32Array | undefined;
  const invoke = (given: Uint8Array[], outs: Uint8Array[], change: Change): number => {
    const args: BatchArguments = {
      inputs: given,
      outs,
      results: new Int32Array(FRAMES).fill(STALE),
      count: change.number,
    };
    change.spoil?.(args);
    results = args.results;
    if ('number' in change) return batch(args.inputs, args.outs, args.results, args.count);
    return batch(args.inputs, args.outs, args.results);
  };
  return { inputs, rooms, invoke, verify, results: () => Array.from(inputs, (_, i) => realInts(results)[i]) };
}

/** Sealer and Opener of one channel each. */
export function channelSubject(setup: ChannelSetup, seed: number): Subject {
  const { engine, mode, framing } = setup;
  const gcm = mode !== 'SM4_128_ECB';
  const settings: EncryptionConfig = gcm
    ? config(mode, 0, seed)
    : { encryptionMode: mode, encryptionKey: bytes(16, 300 + seed) };
  const later = config('AES_128_GCM2', 1, seed + 50);
  const reference = new Reference(setup, settings, later);
  const sending = enableEncryption(settings, { engine, framing });
  const receiving = enableEncryption(settings, { engine, framing });
  const sealer = sending.createSealer();
  const opener = receiving.createOpener();
  let next = 0;
  let foreignCtr = 0;
  const frames = (count: number) => {
    next = (next + count) % 1000;
    return framesOf(framing, count, next);
  };
  const sealing = (count: number, clear = 0) => {
    const inputs = frames(count);
    const verify: Round['verify'] = (_, [frame], got) => reference.verifySealed(frame!, got, clear);
    return { inputs, rooms: inputs.map((input) => input.length + MOST_ADDED), verify };
  };
  const opening = (count: number, clear = 0) => {
    const plain = frames(count);
    const inputs = plain.map((frame) => reference.seal(frame, FOREIGN, foreignCtr++, clear));
    const verify: Round['verify'] = (frame, [sealed], got) =>
      same(sealed!, inputs[frame]!) ? isBytes(got, plain[frame]!) : refused(got, MALFORMED, BAD_TAG);
    // Exact for GCM; SM4 asks for as much as it reads.
    return { inputs, rooms: inputs.map((input, i) => (gcm ? plain[i]! : input).length), verify };
  };
  const frame = { inputs: ['input'], out: 'out' };
  const copy = { inputs: ['input'] };
  const calls: Call[] = [
    {
      name: 'seal',
      ...frame,
      ordinary: true,
      begin: () => ({ ...sealing(1), invoke: ([input], [out]) => sealer.seal(input!, out!) }),
    },
    {
      name: 'seal with a length',
      ...frame,
      number: 'length',
      begin: () => {
        const round = sealing(1);
        const { length } = round.inputs[0]!;
        const invoke: Round['invoke'] = ([input], [out], change) =>
          sealer.seal(input!, out!, 'number' in change ? change.number : length);
        return { ...round, length, invoke };
      },
    },
    {
      name: 'seal with clear bytes',
      ...frame,
      begin: () => ({
        ...sealing(1, CLEAR_BYTES),
        invoke: ([input], [out]) => sealer.seal(input!, out!, undefined, CLEAR_BYTES),
      }),
    },
    {
      name: 'open with clear bytes',
      ...frame,
      begin: () => ({
        ...opening(1, CLEAR_BYTES),
        invoke: ([input], [out]) => opener.open(input!, out!, undefined, CLEAR_BYTES),
      }),
    },
    {
      name: 'sealCopy',
      ...copy,
      begin: () => ({ ...sealing(1), rooms: [], invoke: ([input]) => sealer.sealCopy(input!) }),
    },
    {
      name: 'sealBatch',
      ...frame,
      number: 'count',
      frames: FRAMES,
      begin: () => {
        const { inputs, rooms, verify } = sealing(FRAMES);
        return batchRound((...args) => sealer.sealBatch(...args), inputs, rooms, verify);
      },
    },
    {
      name: 'open',
      ...frame,
      ordinary: true,
      begin: () => ({ ...opening(1), invoke: ([input], [out]) => opener.open(input!, out!) }),
    },
    {
      name: 'open with a length',
      ...frame,
      number: 'length',
      begin: () => {
        const round = opening(1);
        const { length } = round.inputs[0]!;
        const invoke: Round['invoke'] = ([input], [out], change) =>
          opener.open(input!, out!, 'number' in change ? change.number : length);
        return { ...round, length, invoke };
      },
    },
    {
      name: 'openCopy',
      ...copy,
      begin: () => ({ ...opening(1), rooms: [], invoke: ([input]) => opener.openCopy(input!) }),
    },
    {
      name: 'openBatch',
      ...frame,
      number: 'count',
      frames: FRAMES,
      begin: () => {
        const { inputs, rooms, verify } = opening(FRAMES);
        return batchRound((...args) => opener.openBatch(...args), inputs, rooms, verify);
      },
    },
    ...(gcm ? [configCall('enableEncryption', setup), configCall('rotate', setup), configCall('holdKeys', setup)] : []),
  ];
  return {
    calls,
    secrets: [settings.encryptionKey as Uint8Array, ...(gcm ? [settings.encryptionKdfSalt as Uint8Array] : [])],
    close: () => {
      sending.close();
      receiving.close();
    },
    rotate: () => {
      if (gcm) sending.rotate(later);
    },
  };
}

/** A configuration's arrays: a new channel seals a frame under what it took of them. */
function configCall(name: 'enableEncryption' | 'rotate' | 'holdKeys', { engine, framing }: ChannelSetup): Call {
  const mode = 'AES_128_GCM2';
  const inputs = [bytes(32, 91), bytes(32, 92)];
  const frame = framesOf(framing, 1, 7)[0]!;
  const invoke: Round['invoke'] = ([encryptionKey, encryptionKdfSalt]) => {
    const given = {
      encryptionMode: mode,
      encryptionKey: encryptionKey!,
      encryptionKdfSalt: encryptionKdfSalt!,
      keyId: 1,
    };
    let channel: Channel | undefined;
    try {
      channel = enableEncryption(name === 'enableEncryption' ? given : config(mode, 0), { engine, framing });
      if (name === 'rotate') channel.rotate(given);
      if (name === 'holdKeys') channel.holdKeys([given], 1);
      return channel.createSealer().sealCopy(frame);
    } finally {
      channel?.close();
    }
  };
  const verify: Round['verify'] = (_, [encryptionKey, encryptionKdfSalt], got) => {
    const settings = { encryptionMode: mode, encryptionKey: encryptionKey!, encryptionKdfSalt: encryptionKdfSalt! };
    return new Reference({ mode, framing }, settings, settings).verifySealed(frame, got);
  };
  const begin = (): Round => ({ inputs, rooms: [], invoke, verify });
  return { name, inputs: ['encryptionKey', 'encryptionKdfSalt'], throwsConfigError: true, begin };
}
