/** Subjects on SRTP's own sender and receiver, as channels.ts has them for channels. */
import { BAD_TAG, type SrtpKeys, SrtpReceiver, SrtpSender } from 'frameseal/srtp';
import { fixedAgainstRandom, type InputClass, nothing, type Subject } from './subject.js';

const HEADER_BYTES = 12;
const TEXT_BYTES = 160;
const TAG_BYTES = 16;
const OPTIONS = { engine: 'simd' } as const;

function randomKeys(): SrtpKeys {
  const [masterKey, masterSalt] = [16, 12].map((length) => crypto.getRandomValues(new Uint8Array(length)));
  return { suite: 'AEAD_AES_128_GCM', masterKey: masterKey!, masterSalt: masterSalt! };
}

/** A packet whose sequence number grows by 1 with each call, and does not come back to the first ones. */
function packets(): () => Uint8Array {
  const packet = new Uint8Array(HEADER_BYTES + TEXT_BYTES);
  packet[0] = 0x80;
  let sequence = 0;
  return () => {
    sequence = sequence === 0xffff ? 100 : sequence + 1;
    packet[2] = sequence >>> 8;
    packet[3] = sequence;
    return packet;
  };
}

export function senderText(): Subject {
  const input = new Uint8Array(TEXT_BYTES);
  const sender = new SrtpSender(randomKeys(), OPTIONS);
  const next = packets();
  const out = new Uint8Array(HEADER_BYTES + TEXT_BYTES + TAG_BYTES);
  const run = () => {
    const packet = next();
    packet.set(input, HEADER_BYTES);
    if (sender.protect(packet, out) < 0) throw new Error('not protected');
  };
  return { input, prepare: fixedAgainstRandom, ready: nothing, run };
}

/** A known stream's packets whose tag is wrong in its first byte, against its last. */
export function receiverForged(): Subject {
  const keys = randomKeys();
  const [sender, receiver] = [new SrtpSender(keys, OPTIONS), new SrtpReceiver(keys, OPTIONS)];
  const next = packets();
  const sealed = new Uint8Array(HEADER_BYTES + TEXT_BYTES + TAG_BYTES);
  const out = new Uint8Array(sealed.length);
  sender.protect(next(), sealed);
  if (receiver.unprotect(sealed, out) < 0) throw new Error('the stream is not known to the receiver');
  const input = new Uint8Array(sealed.length);
  const prepare = (bytes: Uint8Array, inputClass: InputClass): void => {
    const packet = next();
    packet.set(bytes.subarray(0, TEXT_BYTES), HEADER_BYTES);
    sender.protect(packet, sealed);
    bytes.set(sealed);
    bytes[sealed.length - (inputClass === 0 ? TAG_BYTES : 1)]! ^= 0x40;
  };
  const run = () => {
    const status = receiver.unprotect(input, out);
    if (status !== BAD_TAG) throw new Error(`expected BAD_TAG, got ${status}`);
  };
  return { input, prepare, ready: nothing, run };
}
