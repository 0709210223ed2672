/**
 * Runs in a worker of the browser: the time of a frame with a channel and with WebCrypto, for the same frames in the same turn.
 *
 *     frameseal       seal or open of a channel with framing 'frame', and the buffer of exact size that a transform hands on
 *     awaited         crypto.subtle with an imported CryptoKey, one frame after the other, each awaited
 *     in flight       the same, IN_FLIGHT frames at once: what a pipeline could have
 *
 * WebCrypto gives and takes ciphertext and tag with a nonce and additional data of the sizes that SFrame has. Clocks of pages
 * are coarse, so that a sample has many frames; contestants take turns, and of each the median of its samples counts. The least
 * is what a machine with nothing else to do comes near to.
 */
import { enableEncryption, generateKey, generateSalt, warmUp } from 'frameseal';

const IN_FLIGHT = 32;
const SAMPLES = 15;
/** For each contestant, in which V8 optimises what it runs. */
const WARM_UP_MS = 400;
/** Bytes of a sample, at least: some milliseconds for the fastest. */
const SAMPLE_BYTES = 3_000_000;
const MOST_FRAMES = 600;
const AAD_BYTES = 11;
/** Bytes that getRandomValues gives at once. */
const MOST_RANDOM = 65_536;

self.onmessage = async ({ data: cases }) => {
  let failed;
  warmUp();
  try {
    for (const each of cases) self.postMessage({ ...each, ...(await measure(each)) });
  } catch (error) {
    failed = String(error);
  }
  self.postMessage({ done: { failed } });
};

async function measure({ mode, bits, operation, bytes }) {
  const count = Math.min(MOST_FRAMES, Math.ceil(SAMPLE_BYTES / bytes / IN_FLIGHT) * IN_FLIGHT);
  const frames = Array.from({ length: IN_FLIGHT }, () => random(bytes));
  const config = { encryptionMode: mode, encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
  const contestants = {
    frameseal: channelOf(config, operation, frames),
    ...(await webCryptoOf(bits, operation, frames)),
  };
  for (const { prepare, run } of Object.values(contestants)) {
    for (const endMs = performance.now() + WARM_UP_MS; performance.now() < endMs; await run(count)) prepare?.(count);
  }
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (const [name, { prepare, run }] of Object.entries(contestants)) {
      prepare?.(count);
      const startMs = performance.now();
      await run(count);
      times[name].push(((performance.now() - startMs) * 1000) / count);
    }
  }
  return { us: Object.fromEntries(Object.entries(times).map(([name, values]) => [name, summary(values)])) };
}

/** Frames to open are sealed before the clock starts: an opener takes each once. */
function channelOf(config, operation, frames) {
  const [mine, theirs] = [1, 2].map(() => enableEncryption(config, { framing: 'frame' }));
  const sealer = mine.createSealer();
  const out = new Uint8Array(frames[0].length + sealer.overhead);
  const exact = (written) => {
    if (written < 0) throw new Error('a frame was refused');
    return out.slice(0, written);
  };
  if (operation === 'seal') {
    const run = (count) => {
      for (let i = 0; i < count; i++) exact(sealer.seal(frames[i % IN_FLIGHT], out));
    };
    return { run };
  }
  const opener = theirs.createOpener();
  let sealed = [];
  return {
    prepare(count) {
      sealed = Array.from({ length: count }, (_, i) => sealer.sealCopy(frames[i % IN_FLIGHT]));
    },
    run(count) {
      for (let i = 0; i < count; i++) exact(opener.open(sealed[i], out));
    },
  };
}

async function webCryptoOf(bits, operation, frames) {
  const key = await crypto.subtle.importKey('raw', random(bits / 8), 'AES-GCM', false, ['encrypt', 'decrypt']);
  const name = 'AES-GCM';
  const parameters = frames.map(() => ({ name, iv: random(12), additionalData: random(AAD_BYTES), tagLength: 128 }));
  const sealed = await Promise.all(frames.map((frame, i) => crypto.subtle.encrypt(parameters[i], key, frame)));
  const one =
    operation === 'seal'
      ? (i) => crypto.subtle.encrypt(parameters[i], key, frames[i])
      : (i) => crypto.subtle.decrypt(parameters[i], key, sealed[i]);
  const awaited = async (count) => {
    for (let i = 0; i < count; i++) await one(i % IN_FLIGHT);
  };
  const inFlight = async (count) => {
    for (let done = 0; done < count; done += IN_FLIGHT) await Promise.all(frames.map((_, i) => one(i)));
  };
  return { awaited: { run: awaited }, 'in flight': { run: inFlight } };
}

function random(length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += MOST_RANDOM) crypto.getRandomValues(bytes.subarray(at, at + MOST_RANDOM));
  return bytes;
}

function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], least: sorted[0] };
}
