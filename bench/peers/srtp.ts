/** SRTP with AES-GCM: our senders and receivers, and Sealer.seal beside them. */
import type { EngineChoice } from 'frameseal';
import type { SrtpKeys, SrtpReceiver, SrtpSender } from 'frameseal/srtp';
import { randomKey, type Task, type Work } from './peer.js';

type Srtp = typeof import('frameseal/srtp');
type SrtpTask = Task & { readonly kind: 'srtp' };

const SUITES = { 'aes-128-gcm': 'AEAD_AES_128_GCM', 'aes-256-gcm': 'AEAD_AES_256_GCM' } as const;
const SALT_BYTES = 12;
const OVERHEAD = 16;

/** A packet's sequence number grows by 1 with each call, as a sender would have it. */
export function numbered(packet: Uint8Array): (sequence: number) => Uint8Array {
  const copy = Uint8Array.from(packet);
  return (sequence) => {
    copy[2] = sequence >>> 8;
    copy[3] = sequence;
    return copy;
  };
}

/** Both ends of one direction under fresh keys. */
function pairOf({ SrtpSender: Sender, SrtpReceiver: Receiver }: Srtp, { cipher }: SrtpTask, engine: EngineChoice) {
  if (cipher === 'sm4-ecb') throw new RangeError('SRTP has no SM4');
  const keys: SrtpKeys = {
    suite: SUITES[cipher],
    masterKey: randomKey(cipher),
    masterSalt: randomKey('aes-128-gcm').subarray(0, SALT_BYTES),
  };
  return { sender: new Sender(keys, { engine }), receiver: new Receiver(keys, { engine }) };
}

/** The first packet of a pair of its own, protected and back. */
function roundTrip(sender: SrtpSender, receiver: SrtpReceiver, packet: Uint8Array): Uint8Array {
  const out = new Uint8Array(packet.length + OVERHEAD);
  const opened = new Uint8Array(out.length);
  return opened.slice(0, receiver.unprotect(out.subarray(0, sender.protect(packet, out)), opened));
}

export function srtpWork(task: SrtpTask, srtp: Srtp, engine: EngineChoice): Work {
  const { sender, receiver } = pairOf(srtp, task, engine);
  const made = () => {
    const pair = pairOf(srtp, task, engine);
    return { opened: [roundTrip(pair.sender, pair.receiver, task.packet)] };
  };
  const next = numbered(task.packet);
  const room = task.packet.length + OVERHEAD;
  let sequence = 0;
  const protect = (out: Uint8Array) => {
    sequence = (sequence + 1) & 0xffff;
    return sender.protect(next(sequence), out);
  };
  const out = new Uint8Array(room);
  if (task.operation === 'seal') return { run: () => protect(out), made };
  const packets: Uint8Array[] = [];
  let at = 0;
  const before = (calls: number) => {
    while (packets.length < calls) packets.push(new Uint8Array(room));
    for (let i = 0; i < calls; i++) protect(packets[i]!);
    at = 0;
  };
  return { before, run: () => receiver.unprotect(packets[at++]!, out), made };
}
