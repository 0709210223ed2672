/**
 * What every platform runs: which engine a channel gets, and whether frames come back through it. Uses the language and
 * the package alone, so that pages, workers and workerd all run it. The answer is plain data; nothing throws.
 */
import * as frameseal from 'frameseal';
import { AesGcm } from 'frameseal/aead';

const MODES = ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'];
/** Engines of the sealing and the opening side: what `auto` took must agree with the portable engine. */
const PAIRS = [
  ['auto', 'auto'],
  ['auto', 'portable'],
  ['portable', 'auto'],
];
const HEADER_BYTES = 12;
/** Platforms' messages are long, and say the same again and again. */
const MESSAGE_LENGTH = 90;
const PAYLOAD_BYTES = [1, 15, 16, 160, 1188, 20_000];
/** From here on a payload that stands in a sealed packet is no accident. */
const TELLING_BYTES = 15;
/** Magic number and version: a module with nothing in it. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** All there is to know about a platform; run.mjs says what is right where. */
export function observe() {
  // 'simd' comes before and after 'auto': what one of them found must not change the other's answer.
  const before = MODES.map((mode) => engineOf(mode, 'simd'));
  const auto = MODES.map((mode) => engineOf(mode, 'auto'));
  const after = MODES.map((mode) => engineOf(mode, 'simd'));
  const checks = [
    ...MODES.flatMap((mode) => PAIRS.map((pair) => [`${mode} ${pair.join(' -> ')}`, () => roundTrip(mode, ...pair)])),
    ['frameseal/aead', bareCipher],
    ['warmUp', frameseal.warmUp],
  ];
  const faults = checks.flatMap(([name, check]) => {
    const outcome = outcomeOf(check);
    return outcome === undefined ? [] : [`${name}: ${outcome}`];
  });
  return {
    validates: outcomeOf(() => WebAssembly.validate(EMPTY_MODULE)),
    compiles: outcomeOf(() => new WebAssembly.Module(EMPTY_MODULE) instanceof WebAssembly.Module) === true,
    auto: unique(auto),
    simd: unique([...before, ...after]),
    checks: checks.length,
    faults,
  };
}

/** The engine of a new channel, or the error that making one throws. */
export function engineOf(mode, engine) {
  return outcomeOf(() => {
    const channel = frameseal.enableEncryption(configOf(mode), { engine });
    const name = channel.engine;
    channel.close();
    return name;
  });
}

/** What a call returns; the EngineError of the package by its name alone, any other error with its message. */
function outcomeOf(work) {
  try {
    return work();
  } catch (error) {
    return error instanceof frameseal.EngineError ? 'EngineError' : describeError(error);
  }
}

export function describeError(error) {
  return `${error.name}: ${error.message.slice(0, MESSAGE_LENGTH)}`;
}

function unique(values) {
  return [...new Set(values)].join(' or ');
}

function configOf(encryptionMode) {
  const config = { encryptionMode, encryptionKey: frameseal.generateKey() };
  if (encryptionMode !== 'SM4_128_ECB') config.encryptionKdfSalt = frameseal.generateSalt();
  return config;
}

/** Packets of all lengths one by one, then as a batch; and in the GCM2 modes a copy and a changed packet. */
function roundTrip(mode, sending, receiving) {
  const config = configOf(mode);
  const channels = [sending, receiving].map((engine) => frameseal.enableEncryption(config, { engine }));
  try {
    const sealer = channels[0].createSealer();
    const opener = channels[1].createOpener();
    const packets = PAYLOAD_BYTES.map(rtpPacket);
    for (const packet of packets) {
      const sealed = sealer.sealCopy(packet);
      mustHide(sealed, packet);
      mustEqual(opener.openCopy(sealed), packet);
    }
    throughBatches(sealer, opener, packets);
    if (mode !== 'SM4_128_ECB') mustRefuse(sealer, opener, packets.at(-1));
  } finally {
    for (const channel of channels) channel.close();
  }
}

function throughBatches(sealer, opener, packets) {
  const results = new Int32Array(packets.length);
  const sealed = packets.map((packet) => new Uint8Array(packet.length + sealer.overhead));
  if (sealer.sealBatch(packets, sealed, results) !== packets.length) throw new Error(`sealBatch: ${results}`);
  const inputs = sealed.map((bytes, i) => bytes.subarray(0, results[i]));
  const opened = packets.map((packet) => new Uint8Array(packet.length + sealer.overhead));
  if (opener.openBatch(inputs, opened, results) !== packets.length) throw new Error(`openBatch: ${results}`);
  for (const [i, packet] of packets.entries()) {
    mustHide(inputs[i], packet);
    mustEqual(opened[i].subarray(0, results[i]), packet);
  }
}

function mustRefuse(sealer, opener, packet) {
  const sealed = sealer.sealCopy(packet);
  const out = new Uint8Array(packet.length);
  sealed[sealed.length - 1] ^= 1;
  const forged = opener.open(sealed, out);
  if (forged !== frameseal.BAD_TAG) throw new Error(`a changed packet gave ${forged}`);
  if (out.some((byte) => byte !== 0)) throw new Error('a changed packet left plaintext');
  sealed[sealed.length - 1] ^= 1;
  mustEqual(opener.openCopy(sealed), packet);
  const copied = opener.open(sealed, out);
  if (copied !== frameseal.REPLAYED) throw new Error(`a copy gave ${copied}`);
}

function bareCipher() {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  const [nonce, aad, text] = [new Uint8Array(12), Uint8Array.of(1, 2, 3), rtpPacket(100)];
  const boxes = ['auto', 'portable'].map((engine) => {
    const cipher = new AesGcm(key, { engine });
    const box = new Uint8Array(text.length + cipher.tagBytes);
    cipher.seal(nonce, aad, text, box);
    const back = new Uint8Array(text.length);
    cipher.open(nonce, aad, box, back);
    mustEqual(back, text);
    cipher.destroy();
    return box;
  });
  mustEqual(boxes[0], boxes[1]);
}

function rtpPacket(payloadBytes, sequence = 0) {
  const packet = Uint8Array.from({ length: HEADER_BYTES + payloadBytes }, (_, i) => i * 7 + (i >>> 8));
  packet.set([0x80, 96, 0, sequence]);
  return packet;
}

function mustEqual(actual, expected) {
  if (String(actual) !== String(expected)) throw new Error(`${expected.length} bytes came back changed`);
}

function mustHide(sealed, packet) {
  const payload = packet.subarray(HEADER_BYTES);
  if (sealed.length <= packet.length) throw new Error('a sealed packet is no longer than the packet');
  if (payload.length >= TELLING_BYTES && String(sealed).includes(String(payload))) throw new Error('the payload shows');
}
