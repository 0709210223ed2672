/** The contract of channels (FORMAT.md sections 1 to 7): every length on two engines, every status, window, rotation, batches. */
import * as frameseal from 'frameseal';
import {
  bytes,
  changed,
  configOf,
  equal,
  equalBytes,
  GCM_MODES,
  MODES,
  MOST_BYTES,
  refused,
  rtcp,
  rtp,
  thrown,
} from './assert.mjs';

const MODE = 'AES_128_GCM2';
const FRAME = { framing: 'frame' };
/** Engines of the sealing and of the opening side. */
const PAIRS = [
  ['auto', 'portable'],
  ['portable', 'auto'],
];
const MOST_FORGED = 100_000;
const GRACE_MS = 30;
const payload = bytes(MOST_BYTES, 5);

export const CHANNEL_CHECKS = [
  ...MODES.flatMap((mode) => PAIRS.map((pair) => [`${mode}, ${pair.join(' to ')}`, () => everyLength(mode, ...pair)])),
  ['configurations', configurations],
  ['statuses', statuses],
  ['statuses under a flood', flood],
  ['replay window', replayWindow],
  ['contexts and clear bytes', contexts],
  ['rotation', rotation],
  ...MODES.map((mode) => [`batch, ${mode}`, () => batch(mode)]),
  ['an unfinished batch', unfinished],
  ['SM4 mode', sm4Mode],
  ['end of a channel', end],
];

/** A channel that seals, a channel that opens, and what they made; `use` gets both. */
function withPair(config, options, use) {
  const channels = [options.sending ?? options, options.receiving ?? options].map((each) =>
    frameseal.enableEncryption(config, each),
  );
  try {
    const [sending, receiving] = channels;
    return use({ sending, receiving, sealer: sending.createSealer(), opener: receiving.createOpener() });
  } finally {
    for (const channel of channels) channel.close();
  }
}

/** Every length of payload, as an RTP packet; in GCM2 modes, as a frame as well. */
function everyLength(mode, sending, receiving) {
  for (const framing of mode === 'SM4_128_ECB' ? ['rtp'] : ['rtp', 'frame']) {
    const options = { sending: { framing, engine: sending }, receiving: { framing, engine: receiving } };
    withPair(configOf(mode), options, ({ sealer, opener }) => {
      for (let length = 0; length <= MOST_BYTES; length++) {
        const part = payload.subarray(0, length);
        const packet = framing === 'rtp' ? rtp(part, length) : part;
        const memory = new Uint8Array(packet.length + sealer.overhead);
        memory.set(packet);
        const written = sealer.seal(memory, memory, packet.length);
        equal(written > packet.length && written <= memory.length, true, `${length} bytes, sealed`);
        if (length % 100 === 99)
          equal(String(memory).includes(String(part)), false, `${length} bytes show in the packet`);
        equal(opener.open(memory, memory, written), packet.length, `${length} bytes, opened`);
        equalBytes(memory.subarray(0, packet.length), packet, `${length} bytes, opened`);
      }
      equal(opener.stats.frames, sealer.stats.frames, 'frames counted');
    });
  }
}

function configurations() {
  const good = {
    encryptionMode: MODE,
    encryptionKey: frameseal.generateKey(),
    encryptionKdfSalt: frameseal.generateSalt(),
  };
  const wrong = [
    [{ encryptionMode: 'AES_128_GCM' }, 'mode_not_offered'],
    [{ encryptionMode: '__proto__' }, 'mode_unknown'],
    [{ encryptionKey: good.encryptionKdfSalt }, 'key_is_base64'],
    [{ encryptionKey: '0'.repeat(64) }, 'key_weak'],
    [{ encryptionKey: new TextEncoder().encode(good.encryptionKey) }, 'key_text_as_bytes'],
    [{ encryptionKdfSalt: good.encryptionKey }, 'salt_is_hex'],
    [{ encryptionKdfSalt: undefined }, 'salt_missing'],
    [{ keyId: 16 }, 'key_id_range'],
    [{ context: '' }, 'context_empty'],
    [{ encryptionkey: 'x' }, 'unknown_field'],
  ];
  for (const [change, code] of wrong) {
    const error = thrown('ConfigError', code, () => frameseal.enableEncryption({ ...good, ...change }));
    equal(error.code, code, 'the code');
    equal(error.message.includes(good.encryptionKey), false, 'the message shows the key');
  }
  thrown('TypeError', 'a wrong framing', () => frameseal.enableEncryption(good, { framing: 'rtcp' }));
  thrown('RangeError', 'a wrong window', () => frameseal.enableEncryption(good, { replayWindow: 100 }));
  const prints = [good, { ...good, keyId: 3 }, { ...good, context: 'a' }].map((config) => {
    const channel = frameseal.enableEncryption(config);
    channel.close();
    return channel.fingerprint;
  });
  equal(/^([0-9a-f]{4}-){3}[0-9a-f]{4}$/.test(prints[0]), true, `the fingerprint ${prints[0]}`);
  equal(prints[1], prints[0], 'the fingerprint with another keyId');
  equal(prints[2] === prints[0], false, 'another context has the same fingerprint');
}

function statuses() {
  const packet = rtp(payload.subarray(0, 100));
  withPair(configOf(MODE), {}, ({ sending, receiving, sealer, opener }) => {
    const sealed = sealer.sealCopy(packet);
    refused(frameseal.MALFORMED, 'no bytes', (out) => opener.open(new Uint8Array(0), out));
    refused(frameseal.MALFORMED, 'a cut header', (out) => sealer.seal(packet.subarray(0, 11), out));
    refused(frameseal.MALFORMED, 'a cut frame', (out) => opener.open(sealed.subarray(0, 20), out));
    refused(frameseal.NOT_RTP, 'STUN', (out) => sealer.seal(new Uint8Array(20), out));
    refused(frameseal.TOO_LARGE, '64 KiB', (out) => sealer.seal(rtp(new Uint8Array(65_524)), out));
    refused(frameseal.OWN_FRAME, 'a frame of its own', (out) => sending.createOpener().open(sealed, out));
    for (let i = 0; i < sealed.length; i++) {
      const status = opener.open(changed(sealed, i), new Uint8Array(200));
      equal(status < 0, true, `byte ${i} was changed, and the frame opened`);
    }
    refused(frameseal.BAD_TAG, 'a changed tag', (out) => opener.open(changed(sealed, -1), out));
    equal(opener.open(sealed, new Uint8Array(packet.length - 1)), frameseal.NO_ROOM, 'no room to open');
    equal(sealer.seal(packet, new Uint8Array(packet.length + 16)), frameseal.NO_ROOM, 'no room to seal');
    equalBytes(opener.openCopy(sealed), packet, 'the frame, after all of these');
    equal(opener.lastSenderId, sealer.senderId, 'the sender');
    refused(frameseal.REPLAYED, 'a copy', (out) => opener.open(sealed, out));
    equal(thrown('FrameError', 'openCopy', () => opener.openCopy(sealed)).status, frameseal.REPLAYED, 'its status');
    equal(opener.stats.refused.REPLAYED, 2, 'copies counted');
    thrown('RangeError', 'a length beyond the input', () => opener.open(sealed, packet, sealed.length + 1));
    thrown('TypeError', 'an array of numbers', () => opener.open([...sealed], packet));
    equal(
      receiving.createOpener({ loopback: true }).open(sealed, new Uint8Array(200)),
      packet.length,
      'another opener',
    );
  });
  const other = frameseal.enableEncryption(configOf(MODE, { keyId: 1 }));
  withPair(configOf(MODE), { rtcp: 'clear' }, ({ opener, sealer }) => {
    const sealed = other.createSealer().sealCopy(packet);
    refused(frameseal.UNKNOWN_KEY, 'another keyId', (out) => opener.open(sealed, out));
    refused(frameseal.RTCP, 'RTCP in the clear', (out) => sealer.seal(rtcp(bytes(20)), out));
  });
  other.close();
}

/** Frames of invented senders: the derivation budget ends, and the known sender is not affected. */
function flood() {
  const options = { ...FRAME, maxSenders: 64 };
  withPair(configOf(MODE), options, ({ sealer, opener }) => {
    const out = new Uint8Array(200);
    const forged = sealer.sealCopy(payload.subarray(0, 20));
    equal(opener.open(forged, out), 20, 'a known sender');
    let status = frameseal.BAD_TAG;
    for (let i = 1; i < MOST_FORGED && status === frameseal.BAD_TAG; i++) {
      forged.set([i >>> 16, i >>> 8, i], 3);
      status = opener.open(forged, out);
    }
    equal(status, frameseal.BUSY, 'the status at the end of the budget');
    equal(opener.open(sealer.sealCopy(payload.subarray(0, 21)), out), 21, 'the known sender');
  });
}

function replayWindow() {
  withPair(configOf('AES_256_GCM2'), { ...FRAME, replayWindow: 64 }, ({ sealer, opener }) => {
    const frames = Array.from({ length: 200 }, (_, i) => sealer.sealCopy(Uint8Array.of(i)));
    const open = (i) => opener.open(frames[i], new Uint8Array(1));
    equal(open(199), 1, 'the newest');
    for (let i = 0; i <= 199 - 64; i++) equal(open(i), frameseal.TOO_OLD, `frame ${i}`);
    for (let i = 198; i > 199 - 64; i--) equal(open(i), 1, `frame ${i}`);
    for (let i = 199; i > 199 - 64; i--) equal(open(i), frameseal.REPLAYED, `frame ${i}, again`);
  });
}

function contexts() {
  const [config, reverse] = ['a>b', 'b>a'].map((context) => configOf(MODE, { context }));
  const frame = payload.subarray(0, 50);
  withPair(config, FRAME, ({ sealer, opener }) => {
    const sealed = new Uint8Array(100);
    const written = sealer.seal(frame, sealed, frame.length, 10);
    equalBytes(sealed.subarray(0, 10), frame.subarray(0, 10), 'clear bytes');
    const other = frameseal.enableEncryption(reverse, FRAME);
    refused(frameseal.BAD_TAG, 'another context', (out) => other.createOpener().open(sealed, out, written, 10));
    other.close();
    refused(frameseal.BAD_TAG, 'a changed clear byte', (out) => opener.open(changed(sealed, 9), out, written, 10));
    const out = new Uint8Array(frame.length);
    equal(opener.open(sealed, out, written, 10), frame.length, 'bytes opened');
    equalBytes(out, frame, 'the frame');
  });
}

async function rotation() {
  const [first, second] = [0, 1].map((keyId) => configOf(MODE, { keyId, seed: keyId }));
  const [sending, receiving] = [first, first].map((config) => frameseal.enableEncryption(config, FRAME));
  const [sealer, opener] = [sending.createSealer(), receiving.createOpener()];
  const [late, later] = [1, 2].map((byte) => sealer.sealCopy(Uint8Array.of(byte)));
  const before = sending.fingerprint;
  for (const channel of [sending, receiving]) channel.rotate(second, { sealAfterMs: GRACE_MS, graceMs: GRACE_MS });
  equal(sending.keyId, 0, 'the keyId before sealAfterMs');
  await elapsed(() => sending.keyId === 1);
  equal(sending.fingerprint === before, false, 'the fingerprint is still the old one');
  const fresh = sealer.sealCopy(Uint8Array.of(3));
  const out = new Uint8Array(1);
  equal(opener.open(fresh, out), 1, 'a frame of the new key');
  const error = thrown('ConfigError', 'the old key', () => receiving.rotate(first));
  equal(error.code.startsWith('rotate_key'), true, `its code, ${error.code}`);
  // The old key opens until its grace ends; the timer is the runtime's.
  equal([1, frameseal.UNKNOWN_KEY].includes(opener.open(late, out)), true, 'a frame of the old key in its grace');
  await elapsed(() => opener.open(later, out) === frameseal.UNKNOWN_KEY);
  equal(opener.open(sealer.sealCopy(Uint8Array.of(4)), out), 1, 'a frame of the new key, afterwards');
  for (const channel of [sending, receiving]) channel.close();
}

/** Waits for a condition; a runtime whose timers do not run fails here. */
async function elapsed(condition) {
  for (let i = 0; i < 200; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS / 3));
  }
  equal('never', 'at some time', 'the condition holds');
}

function batch(mode) {
  withPair(configOf(mode), {}, ({ sealer, opener }) => {
    const packets = Array.from({ length: 40 }, (_, i) => rtp(payload.subarray(0, 37 * i), i));
    const results = new Int32Array(packets.length);
    const outs = packets.map((packet) => new Uint8Array(packet.length + sealer.overhead));
    equal(sealer.sealBatch(packets, outs, results), packets.length, 'frames sealed');
    const sealed = outs.map((out, i) => out.subarray(0, results[i]));
    const isGcm = GCM_MODES.includes(mode);
    if (isGcm) sealed[5] = changed(sealed[5], -1);
    sealed[7] = sealed[7].subarray(0, 5);
    sealed[9] = sealed[8];
    const opened = packets.map((packet) => new Uint8Array(packet.length + sealer.overhead));
    equal(opener.openBatch(sealed, opened, results), packets.length - (isGcm ? 3 : 1), 'frames opened');
    const expected = { 5: frameseal.BAD_TAG, 7: frameseal.MALFORMED, 9: frameseal.REPLAYED };
    for (const [i, packet] of packets.entries()) {
      if (i === 7 || (isGcm && i in expected)) equal(results[i], expected[i], `result ${i}`);
      else if (i !== 9) equalBytes(opened[i].subarray(0, results[i]), packet, `packet ${i}`);
    }
  });
}

function unfinished() {
  withPair(configOf(MODE), FRAME, ({ sealer, opener }) => {
    const [first, last] = [1, 3].map((byte) => Uint8Array.of(byte));
    const outs = [0, 1, 2].map(() => new Uint8Array(50));
    const results = new Int32Array(3);
    thrown('TypeError', 'a string in a batch', () => sealer.sealBatch([first, 'two', last], outs, results));
    equal(opener.open(outs[0], new Uint8Array(1), results[0]), 1, 'the frame before it');
    equal(results[1], frameseal.UNFINISHED, 'its result');
    equal(results[2], frameseal.UNFINISHED, 'the result after it');
  });
}

function sm4Mode() {
  withPair(configOf('SM4_128_ECB'), {}, ({ sending, sealer, opener }) => {
    const packet = rtp(payload.subarray(0, 33));
    const sealed = sealer.sealCopy(packet);
    equalBytes(sealer.sealCopy(packet), sealed, 'the same packet, again');
    equal(sealed.length, 12 + 48, 'bytes sealed');
    for (let i = 0; i < 2; i++) equalBytes(opener.openCopy(sealed), packet, 'no replay protection');
    refused(frameseal.BAD_TAG, 'a cut packet', (out) => opener.open(sealed.subarray(0, 50), out));
    equal(
      thrown('ConfigError', 'rotate', () => sending.rotate(configOf('SM4_128_ECB'))).code,
      'rotate_not_supported',
      'code',
    );
  });
}

function end() {
  const packet = rtp(payload.subarray(0, 10));
  withPair(configOf(MODE), {}, ({ sending, sealer, opener }) => {
    const sealed = sealer.sealCopy(packet);
    sending.close();
    sending.close();
    opener.close();
    refused(frameseal.CLOSED, 'a sealer of a closed channel', (out) => sealer.seal(packet, out));
    refused(frameseal.CLOSED, 'a closed opener', (out) => opener.open(sealed, out));
    thrown('Error', 'createSealer', () => sending.createSealer());
  });
}
