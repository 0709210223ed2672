/** The functions of SRTP that take bytes, as data for evil-run.ts: see evil-channel.ts. */
import {
  BAD_TAG,
  keysFromDtls,
  MALFORMED,
  NOT_RTP,
  REPLAYED,
  type SrtpKeys,
  SrtpReceiver,
  SrtpSender,
  TOO_OLD,
} from '../../src/srtp/index.js';
import { concat } from './arrays.js';
import { bytes } from './channel.js';
import type { EngineName } from './engines.js';
import { isBytes, refused, same } from './evil-aead.js';
import { batchRound, FRAMES } from './evil-channel.js';
import type { Call, Round, Subject } from './evil-rules.js';
import { rtcpPacket, rtpPacket, SrtpReference, srtpKeys } from './srtp.js';

const SUITE = 'AEAD_AES_128_GCM';
const PAYLOADS = Array.from({ length: 16 }, (_, i) => bytes(40, i));
const OVERHEAD = { rtp: 16, rtcp: 20 };
/** What an array that changes on the way may turn a packet into. */
const REFUSALS = [MALFORMED, NOT_RTP, BAD_TAG, REPLAYED, TOO_OLD];

interface Numbered {
  readonly packet: Uint8Array;
  readonly index: number;
}

/** Packets with the next indices of a stream. */
function numbered(count: number, first: number): Numbered[] {
  return Array.from({ length: count }, (_, i) => {
    const index = first + i;
    const packet = rtpPacket(PAYLOADS[index % PAYLOADS.length]!, { csrcs: 1, extension: 1, sequence: index & 0xffff });
    return { packet, index };
  });
}

/** A sender and a receiver of one key. */
export function srtpSubject(engine: EngineName, seed: number): Subject {
  const keys = srtpKeys(SUITE, 20 + seed);
  const reference = new SrtpReference(keys);
  const [sender, receiver] = [new SrtpSender(keys, { engine }), new SrtpReceiver(keys, { engine })];
  let nextSent = 0;
  let nextReceived = 0;
  let nextRtcp = 0;

  const protecting = (count: number) => {
    const made = numbered(count, nextSent);
    nextSent += count;
    const verify: Round['verify'] = (frame, [packet], got) => {
      if (typeof got === 'number') return refused(got, ...REFUSALS);
      isBytes(got, reference.protect(packet!, made[frame]!.index >>> 16));
      return `rtp ${made[frame]!.index >>> 16} ${Buffer.from(got).toString('hex', 2, 12)}`;
    };
    const inputs = made.map(({ packet }) => packet);
    return { inputs, rooms: inputs.map((input) => input.length + OVERHEAD.rtp), verify };
  };
  const unprotecting = (count: number) => {
    const made = numbered(count, nextReceived);
    nextReceived += count;
    const inputs = made.map(({ packet, index }) => reference.protect(packet, index >>> 16));
    const verify: Round['verify'] = (frame, [sealed], got) =>
      same(sealed!, inputs[frame]!) ? isBytes(got, made[frame]!.packet) : refused(got, ...REFUSALS);
    return { inputs, rooms: made.map(({ packet }) => packet.length), verify };
  };
  const rtcp = rtcpPacket(PAYLOADS[0]!);
  const protectingRtcp = (): Omit<Round, 'invoke'> => {
    const verify: Round['verify'] = (_, [packet], got) => {
      if (typeof got === 'number') return refused(got, ...REFUSALS);
      const index = Buffer.from(got).readUInt32BE(got.length - 4) - 0x80000000;
      isBytes(got, reference.protectRtcp(packet!, index));
      return `rtcp ${index}`;
    };
    return { inputs: [rtcp], rooms: [rtcp.length + OVERHEAD.rtcp], verify };
  };
  const unprotectingRtcp = (): Omit<Round, 'invoke'> => {
    const index = nextRtcp++;
    // Those that are authenticated only have another way.
    const input = reference.protectRtcp(rtcp, index, index % 2 === 0);
    const verify: Round['verify'] = (_, [sealed], got) =>
      same(sealed!, input) ? isBytes(got, rtcp) : refused(got, ...REFUSALS);
    return { inputs: [input], rooms: [rtcp.length], verify };
  };
  const frame = { inputs: ['input'], out: 'out' };
  type One = (input: Uint8Array, out: Uint8Array, length?: number) => number;
  const single = (name: string, one: One, begin: () => Omit<Round, 'invoke'>): Call[] => [
    {
      name,
      ...frame,
      ordinary: true,
      begin: () => ({ ...begin(), invoke: ([input], [out]) => one(input!, out!) }),
    },
    {
      name: `${name} with a length`,
      ...frame,
      number: 'length',
      begin: () => {
        const round = begin();
        const { length } = round.inputs[0]!;
        const invoke: Round['invoke'] = ([input], [out], change) =>
          one(input!, out!, 'number' in change ? change.number : length);
        return { ...round, length, invoke };
      },
    },
  ];
  const batch = (name: 'protectBatch' | 'unprotectBatch'): Call => ({
    name,
    ...frame,
    number: 'count',
    frames: FRAMES,
    begin: () => {
      const { inputs, rooms, verify } = name === 'protectBatch' ? protecting(FRAMES) : unprotecting(FRAMES);
      const call: Parameters<typeof batchRound>[0] = (...args) =>
        name === 'protectBatch' ? sender.protectBatch(...args) : receiver.unprotectBatch(...args);
      return batchRound(call, inputs, rooms, verify);
    },
  });
  return {
    calls: [
      ...single(
        'protect',
        (...args) => sender.protect(...args),
        () => protecting(1),
      ),
      ...single(
        'unprotect',
        (...args) => receiver.unprotect(...args),
        () => unprotecting(1),
      ),
      ...single('protectRtcp', (...args) => sender.protectRtcp(...args), protectingRtcp),
      ...single('unprotectRtcp', (...args) => receiver.unprotectRtcp(...args), unprotectingRtcp),
      batch('protectBatch'),
      batch('unprotectBatch'),
      keysCall(engine),
      dtlsCall(engine),
    ],
    secrets: [keys.masterKey, keys.masterSalt],
    close: () => {
      sender.close();
      receiver.close();
    },
    rotate: () => {},
  };
}

const PACKET = rtpPacket(bytes(24));

/** The first packet under some keys. */
function protectedBy(keys: SrtpKeys, engine: EngineName): Uint8Array {
  const sender = new SrtpSender(keys, { engine });
  const out = new Uint8Array(PACKET.length + OVERHEAD.rtp);
  const written = sender.protect(PACKET, out);
  sender.close();
  if (written !== out.length) throw new Error(`protect gives ${written}`);
  return out;
}

function keysCall(engine: EngineName): Call {
  const inputs = [bytes(16, 81), bytes(12, 82)];
  const invoke: Round['invoke'] = ([masterKey, masterSalt]) =>
    protectedBy({ suite: SUITE, masterKey: masterKey!, masterSalt: masterSalt! }, engine);
  const verify: Round['verify'] = (_, [masterKey, masterSalt], got) => {
    const keys = { suite: SUITE, masterKey: masterKey!, masterSalt: masterSalt! } as const;
    return isBytes(got, new SrtpReference(keys).protect(PACKET));
  };
  const begin = (): Round => ({ inputs, rooms: [], invoke, verify });
  return { name: 'SrtpSender', inputs: ['masterKey', 'masterSalt'], throwsConfigError: true, begin };
}

function dtlsCall(engine: EngineName): Call {
  const invoke: Round['invoke'] = ([material]) => protectedBy(keysFromDtls(material!, SUITE).server, engine);
  const verify: Round['verify'] = (_, [material], got) => {
    const keys = { suite: SUITE, masterKey: material!.slice(16, 32), masterSalt: material!.slice(44, 56) } as const;
    return isBytes(got, new SrtpReference(keys).protect(PACKET));
  };
  const begin = (): Round => ({ inputs: [concat(bytes(56, 83))], rooms: [], invoke, verify });
  return { name: 'keysFromDtls', inputs: ['material'], throwsConfigError: true, begin };
}
