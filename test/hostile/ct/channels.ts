/** Subjects on a channel's own sealer and opener: the calls of an application, with the code around the ciphers. */
import { BAD_TAG, enableEncryption, generateKey, generateSalt } from 'frameseal';
import { fixedAgainstRandom, type InputClass, nothing, type Subject } from './subject.js';

const TEXT_BYTES = 160;
const TAG_BYTES = 16;
const BATCH = 8;
/** CTRs from here on take as many bytes as all that follow in a run, so frames are of one length. */
const FIRST_CTR_OF_3_BYTES = 0x10000;

function channelOf() {
  const secrets = { encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
  const channel = enableEncryption(
    { encryptionMode: 'AES_128_GCM2', ...secrets },
    { framing: 'frame', engine: 'simd' },
  );
  return { sealer: channel.createSealer(), opener: channel.createOpener({ loopback: true }) };
}

export function sealerText(): Subject {
  const input = new Uint8Array(TEXT_BYTES);
  const { sealer } = channelOf();
  const out = new Uint8Array(TEXT_BYTES + sealer.overhead);
  return { input, prepare: fixedAgainstRandom, ready: nothing, run: () => void sealer.seal(input, out) };
}

/** A batch goes through kernels that put blocks of several frames together. */
export function sealerBatch(): Subject {
  const input = new Uint8Array(BATCH * TEXT_BYTES);
  const { sealer } = channelOf();
  const inputs = Array.from({ length: BATCH }, (_, i) => input.subarray(i * TEXT_BYTES, (i + 1) * TEXT_BYTES));
  const outs = inputs.map(() => new Uint8Array(TEXT_BYTES + sealer.overhead));
  const results = new Int32Array(BATCH);
  const run = () => void sealer.sealBatch(inputs, outs, results);
  return { input, prepare: fixedAgainstRandom, ready: nothing, run };
}

/** A known sender's frames whose tag is wrong in its first byte, against its last. */
export function openerForged(): Subject {
  const { sealer, opener } = channelOf();
  const sealed = new Uint8Array(TEXT_BYTES + sealer.overhead);
  const text = new Uint8Array(TEXT_BYTES);
  let length = 0;
  for (let ctr = 0; ctr <= FIRST_CTR_OF_3_BYTES; ctr++) length = sealer.seal(text, sealed);
  const input = new Uint8Array(length);
  const out = new Uint8Array(length);
  if (opener.open(sealed, out, length) < 0) throw new Error('the sender is not known to the opener');
  const prepare = (bytes: Uint8Array, inputClass: InputClass): void => {
    text.set(bytes.subarray(0, TEXT_BYTES));
    sealer.seal(text, sealed);
    bytes.set(sealed.subarray(0, length));
    bytes[inputClass === 0 ? length - TAG_BYTES : length - 1]! ^= 0x40;
  };
  const run = () => {
    const status = opener.open(input, out);
    if (status !== BAD_TAG) throw new Error(`expected BAD_TAG, got ${status}`);
  };
  return { input, prepare, ready: nothing, run };
}
