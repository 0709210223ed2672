/** What is measured, as data. */
import {
  type Cipher,
  inBuffers,
  type Operation,
  randomFrames,
  randomKey,
  randomKeyed,
  randomPacket,
  type Task,
} from './peers/peer.js';

/** How a case is measured: see measure/. */
type Measure = 'time' | 'start' | 'latency' | 'gateway';

export interface Case {
  /** Its group and what sets it apart there: `aes-128-gcm seal 160 B`. */
  readonly name: string;
  /** Cases that belong on one chart: `aes-128-gcm seal`. */
  readonly group: string;
  /** Of a frame, or a packet's payload; 0 where a case has no size. */
  readonly bytes: number;
  readonly measure: Measure;
  readonly unit: 'ns/frame' | 'ns' | 'ms' | 'us' | 'us/packet';
  /** Part of `--quick`. */
  readonly quick: boolean;
  /** A fresh task, the same for all contestants. */
  readonly makeTask: () => Task;
  /** How packets come to a gateway. */
  readonly load?: Load;
}

export interface Load {
  /** Packets that leave together. */
  readonly burst: number;
  /** From one burst to the next; 0: as soon as fewer than `burst` are on their way. */
  readonly everyMs: number;
}

const SIZES = [20, 60, 160, 500, 1200, 1400, 2500, 20_000, 200_000];
const FEW_SIZES = [20, 160, 1200];
/** Frames in larger buffers: as sockets and pools of packets give them. */
const BUFFERED = [
  { bytes: 160, bufferBytes: 1500 },
  { bytes: 1200, bufferBytes: 2048 },
  { bytes: 1200, bufferBytes: 65_536 },
];
/** Where a frame begins in its buffer. */
const BUFFER_OFFSET = 64;
const KEY_COUNTS = [1000, 10_000];
const KEYED_SIZES = [160, 1200];
const SENDERS = 1000;
const CIPHERS = ['aes-128-gcm', 'aes-256-gcm', 'sm4-ecb'] as const;
const SRTP_CIPHERS = ['aes-128-gcm', 'aes-256-gcm'] as const;
const OPERATIONS = ['seal', 'open'] as const;
const BATCH_FRAMES = 32;
const SHORTEST_OF_MIXED = 20;

/** Those of `--quick`: the ones that say most, in a minute or two. */
const QUICK = [
  ...FEW_SIZES.map((bytes) => `aes-128-gcm seal ${bytes} B`),
  'aes-128-gcm open 160 B',
  'aes-128-gcm seal 20000 B',
  'aes-256-gcm seal 1200 B',
  'aes-256-gcm open 1400 B',
  'larger buffer aes-128-gcm seal 1200 B in 2048 B',
  '1000 keys aes-128-gcm seal 160 B',
  'sm4-ecb seal 1200 B',
  'aes-128-gcm seal 32 x 160 B',
  ...OPERATIONS.flatMap((operation) => [160, 1200].map((bytes) => `rtp aes-128-gcm ${operation} ${bytes} B`)),
  ...['protect', 'unprotect'].flatMap((operation) =>
    [160, 1200].map((bytes) => `srtp aes-128-gcm ${operation} ${bytes} B`),
  ),
  'new sender aes-128-gcm',
];

export const CASES: readonly Case[] = [
  ...CIPHERS.flatMap((cipher) => OPERATIONS.flatMap((operation) => singles(cipher, operation))),
  ...OPERATIONS.flatMap((operation) => buffered('aes-128-gcm', operation)),
  ...OPERATIONS.flatMap((operation) => KEY_COUNTS.flatMap((count) => manyKeys(count, 'aes-128-gcm', operation))),
  ...KEYED_SIZES.map((bytes) => manySenders(SENDERS, 'aes-128-gcm', bytes)),
  ...FEW_SIZES.map((bytes) => batch('aes-128-gcm', BATCH_FRAMES, bytes)),
  mixedBatch('as they come'),
  mixedBatch('sorted'),
  ...[1, 2, 3, 8].flatMap((count) => FEW_SIZES.map((bytes) => batch('aes-128-gcm', count, bytes))),
  ...[160, 1200].map((bytes) => batch('sm4-ecb', BATCH_FRAMES, bytes)),
  ...CIPHERS.flatMap((cipher) => OPERATIONS.flatMap((operation) => packets(cipher, operation))),
  ...SRTP_CIPHERS.flatMap((cipher) => OPERATIONS.flatMap((operation) => srtpPackets(cipher, operation))),
  ...CIPHERS.map(keySetUp),
  ...CIPHERS.map(newSender),
  single('first frame of a process', 'aes-128-gcm', 'seal', 160, { measure: 'start', unit: 'ms' }),
  single('latency', 'aes-128-gcm', 'seal', 160, { measure: 'latency', unit: 'us' }),
  gateway('evenly at 8,000/s', { burst: 1, everyMs: 0.125 }),
  gateway('64 on their way', { burst: 64, everyMs: 0 }),
].map((each) => ({ ...each, quick: QUICK.includes(each.name) }));

export interface Selection {
  /** Words that a name must hold. */
  readonly filter?: string;
  /** In bytes; any if empty. */
  readonly sizes?: readonly number[];
  /** A group's whole name. */
  readonly group?: string;
}

export function selectCases({ filter = '', sizes = [], group }: Selection): Case[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return CASES.filter(
    (each) =>
      words.every((word) => each.name.toLowerCase().includes(word)) &&
      (sizes.length === 0 || sizes.includes(each.bytes)) &&
      (group ?? each.group) === each.group,
  );
}

type Plan = Omit<Case, 'quick'>;

function singles(cipher: Cipher, operation: Operation): Plan[] {
  return SIZES.map((bytes) => single('', cipher, operation, bytes, { measure: 'time', unit: 'ns/frame' }));
}

function single(
  title: string,
  cipher: Cipher,
  operation: Operation,
  bytes: number,
  how: Pick<Case, 'measure' | 'unit'>,
): Plan {
  const group = `${title} ${cipher} ${operation}`.trim();
  const makeTask = (): Task => {
    const key = randomKey(cipher);
    return { kind: 'frame', cipher, operation, key, frame: randomFrames(cipher, key, 1, bytes, bytes)[0]! };
  };
  return { name: `${group} ${bytes} B`, group, bytes, ...how, makeTask };
}

function buffered(cipher: Cipher, operation: Operation): Plan[] {
  const group = `larger buffer ${cipher} ${operation}`;
  return BUFFERED.map(({ bytes, bufferBytes }) => {
    const makeTask = (): Task => {
      const key = randomKey(cipher);
      const [frame] = randomFrames(cipher, key, 1, bytes, bytes);
      return { kind: 'buffer', cipher, operation, key, frame: inBuffers(frame!, bufferBytes, BUFFER_OFFSET) };
    };
    const name = `${group} ${bytes} B in ${bufferBytes} B`;
    return { name, group, bytes, measure: 'time', unit: 'ns/frame', makeTask };
  });
}

/** Frames of as many keys in turn: what keys cost that are not in the caches. */
function manyKeys(count: number, cipher: Cipher, operation: Operation): Plan[] {
  const group = `${count} keys ${cipher} ${operation}`;
  return KEYED_SIZES.map((bytes) => {
    const makeTask = (): Task => ({ kind: 'keys', cipher, operation, keyed: randomKeyed(cipher, count, bytes) });
    return { name: `${group} ${bytes} B`, group, bytes, measure: 'time', unit: 'ns/frame', makeTask };
  });
}

/** An opener of RTP packets that come from as many senders in turn. */
function manySenders(count: number, cipher: Cipher, bytes: number): Plan {
  const group = `rtp from ${count} senders ${cipher} open`;
  const makeTask = (): Task => ({ kind: 'senders', cipher, operation: 'open', count, packet: randomPacket(bytes) });
  return { name: `${group} ${bytes} B`, group, bytes, measure: 'time', unit: 'ns/frame', makeTask };
}

function batch(cipher: Cipher, count: number, bytes: number): Plan {
  const group = `${cipher} seal ${count} x`;
  const makeTask = (): Task => {
    const key = randomKey(cipher);
    return { kind: 'batch', cipher, key, frames: randomFrames(cipher, key, count, bytes, bytes) };
  };
  return { name: `${group} ${bytes} B`, group, bytes, measure: 'time', unit: 'ns/frame', makeTask };
}

/** A batch of frames of all lengths, in random order or sorted by the caller. */
function mixedBatch(order: 'as they come' | 'sorted'): Plan {
  const [cipher, bytes] = ['aes-128-gcm', 1200] as const;
  const group = `${cipher} seal ${BATCH_FRAMES} x ${SHORTEST_OF_MIXED} to ${bytes} B`;
  const makeTask = (): Task => {
    const key = randomKey(cipher);
    const frames = randomFrames(cipher, key, BATCH_FRAMES, SHORTEST_OF_MIXED, bytes);
    if (order === 'sorted') frames.sort((a, b) => a.plaintext.length - b.plaintext.length);
    return { kind: 'batch', cipher, key, frames };
  };
  return { name: `${group} ${order}`, group, bytes, measure: 'time', unit: 'ns/frame', makeTask };
}

function packets(cipher: Cipher, operation: Operation): Plan[] {
  return packetPlans(`rtp ${cipher} ${operation}`, (packet) => ({ kind: 'packet', cipher, operation, packet }));
}

function srtpPackets(cipher: Cipher, operation: Operation): Plan[] {
  const group = `srtp ${cipher} ${operation === 'seal' ? 'protect' : 'unprotect'}`;
  return packetPlans(group, (packet) => ({ kind: 'srtp', cipher, operation, packet }));
}

function packetPlans(group: string, taskOf: (packet: Uint8Array) => Task): Plan[] {
  return FEW_SIZES.map((bytes) => ({
    name: `${group} ${bytes} B`,
    group,
    bytes,
    measure: 'time',
    unit: 'ns/frame',
    makeTask: () => taskOf(randomPacket(bytes)),
  }));
}

function keySetUp(cipher: Cipher): Plan {
  const makeTask = (): Task => {
    const key = randomKey(cipher);
    return { kind: 'key', cipher, key, frame: randomFrames(cipher, key, 1, 160, 160)[0]! };
  };
  return { name: `key set-up ${cipher}`, group: 'key set-up', bytes: 0, measure: 'time', unit: 'ns', makeTask };
}

/** Keys derived from the shared secret, and set up. */
function newSender(cipher: Cipher): Plan {
  const makeTask = (): Task => ({ kind: 'sender', cipher, packet: randomPacket(160) });
  return { name: `new sender ${cipher}`, group: 'new sender', bytes: 0, measure: 'time', unit: 'ns', makeTask };
}

/** CPU time that a gateway process takes for a packet of 1,200 bytes, sockets included. */
function gateway(title: string, load: Load): Plan {
  const [cipher, bytes] = ['aes-128-gcm', 1200] as const;
  const group = `gateway ${cipher} seal`;
  const makeTask = (): Task => ({ kind: 'packet', cipher, operation: 'seal', packet: randomPacket(bytes) });
  return { name: `${group} ${bytes} B ${title}`, group, bytes, measure: 'gateway', unit: 'us/packet', makeTask, load };
}
