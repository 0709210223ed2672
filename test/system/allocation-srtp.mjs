/** What allocation.mjs measures of SRTP: by name, as its other cases. */
import { SrtpReceiver, SrtpSender } from '../../dist/srtp/index.js';

const KEYS = {
  suite: 'AEAD_AES_128_GCM',
  masterKey: new Uint8Array(16).fill(3),
  masterSalt: new Uint8Array(12).fill(4),
};
const OVERHEAD = 20;
const LENGTH = 120;
const BATCH = 16;
const RING_FRAMES = 25_000;
const BATCHES = 1500;
const SSRCS = 5;

function mustBe(result, expected) {
  if (result !== expected) throw new Error(`${result} instead of ${expected}`);
}

function setSequence(packet, sequence) {
  packet[2] = sequence >>> 8;
  packet[3] = sequence;
}

function rtpPacket(sequence, ssrc = 1) {
  const packet = new Uint8Array(LENGTH).fill(7);
  packet.set([0x90, 111, 0, 0, 0, 0, 0, 1, 0, 0, 0, ssrc, 0xbe, 0xde, 0, 1]);
  setSequence(packet, sequence);
  return packet;
}

function rtcpPacket(ssrc = 1) {
  const packet = new Uint8Array(LENGTH).fill(7);
  packet.set([0x80, 200, 0, 29, 0, 0, 0, ssrc]);
  return packet;
}

const outOf = (input) => new Uint8Array(input.length + OVERHEAD);

/** Protects packets in sequence, over wraps, from a ROC on; of some SSRCs in turn. */
function protecting(options, roc = 0, ssrcs = 1) {
  const sender = new SrtpSender(KEYS, options);
  for (let ssrc = 0; ssrc < ssrcs; ssrc++) sender.setRoc(ssrc, roc);
  const packets = Array.from({ length: ssrcs }, (_, ssrc) => rtpPacket(0, ssrc));
  const out = outOf(packets[0]);
  let next = 0;
  return () => {
    const packet = packets[next % ssrcs];
    setSequence(packet, Math.floor(next++ / ssrcs) & 0xffff);
    mustBe(sender.protect(packet, out), LENGTH + 16);
  };
}

function protectingRtcp(options) {
  const sender = new SrtpSender(KEYS, options);
  const packet = rtcpPacket();
  const out = outOf(packet);
  return () => mustBe(sender.protectRtcp(packet, out), LENGTH + OVERHEAD);
}

function protectingBatches(options) {
  const sender = new SrtpSender(KEYS, options);
  const packets = Array.from({ length: BATCH }, () => rtpPacket(0));
  const [outs, results] = [packets.map(outOf), new Int32Array(BATCH)];
  let next = 0;
  const frame = () => {
    for (let i = 0; i < BATCH; i++) setSequence(packets[i], next++ & 0xffff);
    mustBe(sender.protectBatch(packets, outs, results), BATCH);
  };
  return { frames: 4000, frame };
}

/** A ring of protected packets or batches, with a fresh receiver for each round. */
function unprotecting(options, count, { roc = 0, ssrcs = 1, make, open }) {
  const sender = new SrtpSender(KEYS, options);
  for (let ssrc = 0; ssrc < ssrcs; ssrc++) sender.setRoc(ssrc, roc);
  const ring = Array.from({ length: count }, (_, i) => make(sender, i));
  let receiver;
  let next;
  const frame = () => open(receiver, ring[next++]);
  const prepare = () => {
    receiver?.close();
    receiver = new SrtpReceiver(KEYS, options);
    for (let ssrc = 0; ssrc < ssrcs; ssrc++) receiver.setRoc(ssrc, roc);
    next = 0;
    frame();
  };
  return { frames: count, prepare, frame };
}

function protectedPacket(sender, number, ssrc = 1) {
  const out = new Uint8Array(LENGTH + 16);
  mustBe(sender.protect(rtpPacket(number & 0xffff, ssrc), out), out.length);
  return out;
}

const opened = new Uint8Array(LENGTH + OVERHEAD);

function unprotectingOne(options, roc = 0, ssrcs = 2) {
  const make = (sender, i) => protectedPacket(sender, Math.floor(i / ssrcs), i % ssrcs);
  const open = (receiver, packet) => mustBe(receiver.unprotect(packet, opened), LENGTH);
  return unprotecting(options, RING_FRAMES, { roc, ssrcs, make, open });
}

function unprotectingRtcp(options) {
  const make = (sender) => {
    const out = new Uint8Array(LENGTH + OVERHEAD);
    mustBe(sender.protectRtcp(rtcpPacket(), out), out.length);
    return out;
  };
  const open = (receiver, packet) => mustBe(receiver.unprotectRtcp(packet, opened), LENGTH);
  return unprotecting(options, RING_FRAMES, { make, open });
}

function unprotectingBatches(options) {
  const [outs, results] = [Array.from({ length: BATCH }, () => new Uint8Array(LENGTH)), new Int32Array(BATCH)];
  const make = (sender, i) => Array.from({ length: BATCH }, (_, j) => protectedPacket(sender, BATCH * i + j));
  const open = (receiver, packets) => mustBe(receiver.unprotectBatch(packets, outs, results), BATCH);
  return unprotecting(options, BATCHES, { ssrcs: 2, make, open });
}

/** One packet that is refused every time. */
function refusing(options, status, change) {
  const [sender, receiver] = [new SrtpSender(KEYS, options), new SrtpReceiver(KEYS, options)];
  const packet = protectedPacket(sender, 1);
  mustBe(receiver.unprotect(packet, opened), LENGTH);
  change(packet);
  return () => mustBe(receiver.unprotect(packet, opened), status);
}

export function srtpCases(options) {
  return {
    'SRTP protect': () => protecting(options),
    'SRTP protect, five SSRCs': () => protecting(options, 0, SSRCS),
    'SRTP protect, index above 2^31': () => protecting(options, 70_000),
    'SRTP protectRtcp': () => protectingRtcp(options),
    'SRTP protectBatch of 16': () => protectingBatches(options),
    'SRTP unprotect': () => unprotectingOne(options),
    'SRTP unprotect, index above 2^31': () => unprotectingOne(options, 70_000),
    'SRTP unprotectRtcp': () => unprotectingRtcp(options),
    'SRTP unprotectBatch of 16': () => unprotectingBatches(options),
    'SRTP REPLAYED': () => refusing(options, -3, () => {}),
    'SRTP BAD_TAG': () =>
      refusing(options, -5, (packet) => {
        packet[3] = 2;
      }),
    'SRTP BAD_TAG, unknown SSRC': () =>
      refusing(options, -5, (packet) => {
        packet[11] = 99;
      }),
  };
}
