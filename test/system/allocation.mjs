/**
 * Measures what a frame allocates, on the build: a line of JSON for each case. Run by test/system/allocation.test.ts as
 *
 *     node --expose-gc --min-semi-space-size=512 --max-semi-space-size=512 allocation.mjs ENGINE [CASE]
 *
 * so that nothing is collected while frames are counted; a round in which the collector ran all the same is thrown away.
 * Of each case up to five rounds are run, and the best counts: the compiler allocates now and then as well.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { Command } from 'commander';
import { AesGcm, Sm4Ecb } from '../../dist/aead.js';
import { enableEncryptionWith } from '../../dist/channel/channel.js';
import { srtpCases } from './allocation-srtp.mjs';

const [engine, only] = new Command('allocation')
  .argument('<engine>', 'simd or portable')
  .argument('[case]', 'the only case to measure; all if left out')
  .parse().processedArgs;
const ROUNDS = 5;
const CIPHER_FRAMES = 100_000;
const RING_FRAMES = 25_000;
const CHECK_FRAMES = 1_000_000;
const WARM_UP = 20_000;
const PAYLOAD_BYTES = 100;
const GOOD_ENOUGH = 0.2;

/** Bytes that look random. */
function bytes(length, seed = 1) {
  const array = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    array[i] = state >>> 24;
  }
  return array;
}

function settings(mode, keyId = 0) {
  const encryptionKey = bytes(32, 5);
  if (mode === 'SM4_128_ECB') return { encryptionMode: mode, encryptionKey };
  return { encryptionMode: mode, encryptionKey, encryptionKdfSalt: bytes(32, 6), keyId };
}

let session = 0x1000_0000;
function nextSession(words) {
  session += 16;
  words[0] = session;
  return 0;
}

function sessionsAt(ctr) {
  return (words) => {
    nextSession(words);
    return ctr;
  };
}

function channelOf(mode, options = {}, { keyId = 0, source = nextSession } = {}) {
  return enableEncryptionWith(settings(mode, keyId), { engine, ...options }, source);
}

/** An RTP packet with a one-word extension, in an array with room for the overhead. */
function rtpPacket() {
  const packet = bytes(20 + PAYLOAD_BYTES, 9);
  packet.set([0x90, 111, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 0xbe, 0xde, 0, 1]);
  return packet;
}

const outOf = (input) => new Uint8Array(input.length + 40);

/** Throws unless a call gave what the case is about. */
function mustBe(result, expected) {
  if (result !== expected) throw new Error(`${result} instead of ${expected}`);
}

function sealing(mode, options = {}, source = nextSession) {
  const sealer = channelOf(mode, options, { source }).createSealer();
  const input = options.framing === 'frame' ? bytes(PAYLOAD_BYTES) : rtpPacket();
  const out = outOf(input);
  const expected = sealer.seal(input, out);
  return () => {
    if (sealer.seal(input, out) < expected) throw new Error('not sealed');
  };
}

function sealingAndOpening(mode, options = {}, inPlace = false) {
  const sealer = channelOf(mode, options).createSealer();
  const opener = channelOf(mode, options).createOpener();
  const input = options.framing === 'frame' ? bytes(PAYLOAD_BYTES) : rtpPacket();
  const memory = outOf(input);
  memory.set(input);
  const source = inPlace ? memory : input;
  const opened = inPlace ? memory : outOf(input);
  return () => {
    const length = sealer.seal(source, memory, input.length);
    mustBe(opener.open(memory, opened, length), input.length);
  };
}

/** Opens a ring of frames that were sealed before; a fresh opener for each round. */
function opening(mode, options, count, source = nextSession) {
  const sealer = channelOf(mode, options, { source }).createSealer();
  const input = options.framing === 'frame' ? bytes(PAYLOAD_BYTES) : rtpPacket();
  const sealed = Array.from({ length: count }, () => sealer.sealCopy(input));
  const channel = channelOf(mode, options);
  const out = outOf(input);
  let opener;
  let next;
  return {
    frames: count,
    prepare() {
      opener?.close();
      opener = channel.createOpener();
      next = 0;
      opener.open(sealed[next++], out);
    },
    frame() {
      mustBe(opener.open(sealed[next++], out), input.length);
    },
  };
}

const BATCH = 16;
/** Enough frames that the cost of a round itself does not count. */
const BATCHES = 4000;
const BIG_FRAME = { mode: 'AES_256_GCM2', framing: 'frame' };
const batchOf = (make) => Array.from({ length: BATCH }, (_, i) => make(i));
const frameOfAnyLength = (i) => bytes(i === BATCH - 1 ? 1801 : 29 * i);

function sealingBatches({ mode = 'AES_128_GCM2', ...options }, inputs, succeeding, outs = inputs.map(outOf)) {
  const sealer = channelOf(mode, options).createSealer();
  const results = new Int32Array(BATCH);
  return { frames: BATCHES, frame: () => mustBe(sealer.sealBatch(inputs, outs, results), succeeding) };
}

/** Opens a ring of batches; `from` says which frame stands at a place. */
function openingBatches({ mode = 'AES_128_GCM2', ...options }, inputs, from = (i) => i, succeeding = BATCH) {
  const count = 2000;
  const channel = channelOf(mode, options);
  const sealer = channelOf(mode, options).createSealer();
  const batches = Array.from({ length: count }, () => {
    const sealed = inputs.map((input) => sealer.sealCopy(input));
    return sealed.map((_, i) => sealed[from(i)]);
  });
  const [outs, results] = [inputs.map(outOf), new Int32Array(BATCH)];
  let opener;
  let next;
  return {
    frames: count,
    prepare() {
      opener?.close();
      opener = channel.createOpener();
      next = 0;
      opener.openBatch(batches[next++], outs, results);
    },
    frame: () => mustBe(opener.openBatch(batches[next++], outs, results), succeeding),
  };
}

/** A batch of a known sender that is refused every time. */
function refusingBatches(status, make) {
  const sealer = channelOf('AES_128_GCM2').createSealer();
  const opener = channelOf('AES_128_GCM2').createOpener();
  const [outs, results] = [batchOf(() => new Uint8Array(400)), new Int32Array(BATCH)];
  const open = (packets) => {
    opener.openBatch(packets, outs, results);
    return packets;
  };
  open(batchOf(() => sealer.sealCopy(rtpPacket())));
  const packets = make(
    batchOf(() => sealer.sealCopy(rtpPacket())),
    open,
  );
  return {
    frames: BATCHES,
    frame() {
      mustBe(opener.openBatch(packets, outs, results), 0);
      mustBe(results[BATCH - 1], status);
    },
  };
}

/** One packet that is refused every time; `prepare` brings the opener to that. */
function refusing(status, make, options = {}) {
  const sealer = channelOf('AES_128_GCM2', options).createSealer();
  const channel = channelOf('AES_128_GCM2', options);
  const opener = channel.createOpener();
  const out = new Uint8Array(400);
  const first = sealer.sealCopy(rtpPacket());
  opener.open(first, out);
  const { packet, room = out } = make({ sealer, opener, channel, first, out });
  return () => mustBe(opener.open(packet, room), status);
}

function flipped(packet, at) {
  const copy = packet.slice();
  copy[at < 0 ? copy.length + at : at] ^= 1;
  return copy;
}

/** A frame of an unknown KID: 20 bytes of RTP header, config byte, KID. */
function madeUp(first, index) {
  const packet = first.slice();
  packet[25] = 0xee;
  packet[28] = index;
  return packet;
}

function aead(make) {
  const input = bytes(PAYLOAD_BYTES);
  return make(input, outOf(input), outOf(input));
}

const frozen = 1234.5;
const realNow = performance.now;
/** Stops the clock that refills the budget, so that BUSY stays; with `real`, the true clock is read all the same. */
function stopClock(real) {
  performance.now = real
    ? () => {
        realNow.call(performance);
        return frozen;
      }
    : () => frozen;
}

function busy(real) {
  stopClock(real);
  const frame = refusing(
    -12,
    ({ opener, first, out }) => {
      for (let i = 0; i < 4; i++) opener.open(madeUp(first, i), out);
      return { packet: madeUp(first, 200) };
    },
    { maxSenders: 4 },
  );
  return { frames: CHECK_FRAMES, frame, after: () => (performance.now = realNow) };
}

const light = (frame) => ({ frames: CHECK_FRAMES, frame });
const FRAME = { framing: 'frame' };

/** By name: a function that does one frame, or an object with `frame`, and what else there is to say. */
const CASES = {
  'seal RTP': () => sealing('AES_128_GCM2'),
  'seal RTP, AES-256': () => sealing('AES_256_GCM2'),
  'seal RTP, bindHeader false': () => sealing('AES_128_GCM2', { bindHeader: false }),
  'seal frame': () => sealing('AES_128_GCM2', FRAME),
  'open RTP': () => opening('AES_128_GCM2', {}, RING_FRAMES),
  'open frame': () => opening('AES_256_GCM2', FRAME, RING_FRAMES),
  'seal and open RTP': () => sealingAndOpening('AES_128_GCM2'),
  'seal and open RTP, bindHeader false': () => sealingAndOpening('AES_128_GCM2', { bindHeader: false }),
  'seal and open RTP in place': () => sealingAndOpening('AES_128_GCM2', {}, true),
  'seal and open frame, AES-256': () => sealingAndOpening('AES_256_GCM2', FRAME),
  'SM4 seal and open RTP': () => sealingAndOpening('SM4_128_ECB'),
  'SM4 seal and open frame in place': () => sealingAndOpening('SM4_128_ECB', FRAME, true),
  'AesGcm seal': () =>
    aead((input, out) => {
      const [key, nonce, aad] = [new AesGcm(bytes(16), { engine }), bytes(12), bytes(20)];
      return () => mustBe(key.seal(nonce, aad, input, out), input.length + 16);
    }),
  'AesGcm open': () =>
    aead((input, out, opened) => {
      const [key, nonce, aad] = [new AesGcm(bytes(32), { engine }), bytes(12), bytes(20)];
      const sealed = out.subarray(0, key.seal(nonce, aad, input, out));
      return () => mustBe(key.open(nonce, aad, sealed, opened), input.length);
    }),
  'AesGcm open, BAD_TAG': () =>
    aead((input, out) => {
      const [key, nonce, aad] = [new AesGcm(bytes(32), { engine }), bytes(12), bytes(20)];
      return () => mustBe(key.open(nonce, aad, input, out), -5);
    }),
  'Sm4Ecb encrypt and decrypt': () =>
    aead((input, out, opened) => {
      const key = new Sm4Ecb(bytes(16), { engine });
      const sealed = out.subarray(0, key.encrypt(input, out));
      return () => {
        mustBe(key.encrypt(input, sealed), sealed.length);
        mustBe(key.decrypt(sealed, opened), input.length);
      };
    }),
  'sealBatch of 16': () => sealingBatches({}, batchOf(rtpPacket), 16),
  'sealBatch of 16, AES-256 frames of all lengths': () => sealingBatches(BIG_FRAME, batchOf(frameOfAnyLength), 16),
  'sealBatch of 16, half of them NO_ROOM': () => {
    const inputs = batchOf(rtpPacket);
    return sealingBatches(
      {},
      inputs,
      8,
      inputs.map((input, i) => outOf(input).subarray(0, i % 2 === 0 ? 300 : 100)),
    );
  },
  'openBatch of 16': () => openingBatches({}, batchOf(rtpPacket)),
  'openBatch of 16, AES-256 frames of all lengths': () => openingBatches(BIG_FRAME, batchOf(frameOfAnyLength)),
  'openBatch of 16, BAD_TAG': () => refusingBatches(-5, (sealed) => sealed.map((packet) => flipped(packet, -1))),
  'openBatch of 16, REPLAYED': () => refusingBatches(-3, (sealed, open) => open(sealed)),
  'SM4 sealBatch of 16': () => sealingBatches({ mode: 'SM4_128_ECB' }, batchOf(rtpPacket), 16),
  'SM4 openBatch of 16': () => openingBatches({ mode: 'SM4_128_ECB' }, batchOf(rtpPacket)),
  // The window has no answer before the first ones are found genuine.
  'openBatch of 16, half of them REPLAYED': () => openingBatches({}, batchOf(rtpPacket), (i) => i - (i % 2), 8),
  REPLAYED: () => light(refusing(-3, ({ first }) => ({ packet: first }))),
  TOO_OLD: () =>
    light(
      refusing(-4, ({ sealer, opener, first, out }) => {
        for (let i = 0; i < 1100; i++) opener.open(sealer.sealCopy(rtpPacket()), out);
        return { packet: first };
      }),
    ),
  'TOO_OLD, evicted sender': () =>
    light(
      refusing(
        -4,
        ({ opener, first, out }) => {
          opener.open(channelOf('AES_128_GCM2').createSealer().sealCopy(rtpPacket()), out);
          return { packet: first };
        },
        { maxSenders: 1 },
      ),
    ),
  'BAD_TAG, known sender': () => refusing(-5, ({ sealer }) => ({ packet: flipped(sealer.sealCopy(rtpPacket()), -1) })),
  'BAD_TAG, sender that failed before': () => refusing(-5, ({ first }) => ({ packet: madeUp(first, 1) })),
  'MALFORMED, SFrame header': () => light(refusing(-1, ({ first }) => ({ packet: first.subarray(0, 30) }))),
  'MALFORMED, RTP header': () => light(refusing(-1, ({ first }) => ({ packet: first.subarray(0, 18) }))),
  NOT_RTP: () => light(refusing(-7, () => ({ packet: bytes(100).fill(3) }))),
  RTCP: () => light(refusing(-10, () => ({ packet: Uint8Array.of(0x80, 200, 0, 1, 1, 2, 3, 4) }), { rtcp: 'clear' })),
  NO_ROOM: () => light(refusing(-6, ({ first, out }) => ({ packet: first, room: out.subarray(0, 60) }))),
  TOO_LARGE: () => light(refusing(-8, () => ({ packet: new Uint8Array(65_566) }))),
  OWN_FRAME: () => light(refusing(-11, ({ channel }) => ({ packet: channel.createSealer().sealCopy(rtpPacket()) }))),
  UNKNOWN_KEY: () =>
    light(
      refusing(-2, () => {
        const other = channelOf('AES_128_GCM2', {}, { keyId: 4 });
        return { packet: other.createSealer().sealCopy(rtpPacket()) };
      }),
    ),
  BUSY: () => busy(false),
  'BUSY, reading the clock': () => busy(true),
  CLOSED: () =>
    light(
      refusing(-13, ({ opener, first }) => {
        opener.close();
        return { packet: first };
      }),
    ),
  'seal: NO_ROOM': () => {
    const sealer = channelOf('AES_128_GCM2').createSealer();
    const [input, out] = [rtpPacket(), new Uint8Array(30)];
    return light(() => mustBe(sealer.seal(input, out), -6));
  },
  'seal: NOT_RTP': () => {
    const sealer = channelOf('AES_128_GCM2').createSealer();
    const [input, out] = [bytes(90).fill(2), new Uint8Array(300)];
    return light(() => mustBe(sealer.seal(input, out), -7));
  },
  'seal: CLOSED': () => {
    const sealer = channelOf('AES_128_GCM2').createSealer();
    sealer.close();
    const [input, out] = [rtpPacket(), new Uint8Array(300)];
    return light(() => mustBe(sealer.seal(input, out), -13));
  },
  'SM4 open: BAD_TAG': () => {
    const opener = channelOf('SM4_128_ECB').createOpener();
    const [input, out] = [rtpPacket().subarray(0, 52), new Uint8Array(300)];
    return light(() => mustBe(opener.open(input, out), -5));
  },
  ...srtpCases({ engine }),
  // Last, because numbers above 2^31 change how the compiler keeps counters.
  'seal RTP, CTR above 2^31': () => sealing('AES_128_GCM2', {}, sessionsAt(2 ** 31)),
  'open RTP, CTR above 2^31': () => opening('AES_128_GCM2', {}, RING_FRAMES, sessionsAt(2 ** 31)),
  'seal RTP, after a CTR above 2^31': () => sealing('AES_128_GCM2'),
  'open RTP, after a CTR above 2^31': () => opening('AES_128_GCM2', {}, RING_FRAMES),
};

let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ['gc'] });

const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

function used() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function loop(frame, count) {
  for (let i = 0; i < count; i++) frame();
}

/** Bytes a frame of one round; NaN where the collector ran. */
async function round({ frame, frames, prepare }) {
  prepare?.();
  gc();
  gc();
  await pause();
  const before = collections;
  const start = used();
  loop(frame, frames);
  const grown = used() - start;
  await pause();
  return collections === before ? grown / frames : Number.NaN;
}

async function measure(make) {
  const made = make();
  const one = typeof made === 'function' ? { frame: made, frames: CIPHER_FRAMES } : { ...made };
  // The last rounds of a ring end where its frames end.
  if (one.prepare) one.frames -= 1;
  one.prepare?.();
  loop(one.frame, Math.min(WARM_UP, one.frames));
  let best = Number.POSITIVE_INFINITY;
  let rounds = 0;
  let collected = 0;
  while (rounds < ROUNDS && best > GOOD_ENOUGH) {
    const result = await round(one);
    rounds++;
    if (Number.isNaN(result)) collected++;
    else best = Math.min(best, Math.abs(result));
  }
  one.after?.();
  return { bytes: best, frames: one.frames, rounds, collected };
}

console.warn = () => {};
for (const [name, make] of Object.entries(CASES)) {
  if (only !== undefined && name !== only) continue;
  const start = realNow.call(performance);
  const result = await measure(make);
  console.log(JSON.stringify({ name, ...result, ms: Math.round(realNow.call(performance) - start) }));
}
