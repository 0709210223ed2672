/** `frameseal/srtp` (FORMAT.md section 8): every length on two engines, RTP and RTCP, windows, batches, keys. */
import {
  BAD_TAG,
  CLOSED,
  EXHAUSTED,
  isRtcp,
  keysFromDtls,
  keysFromSdes,
  MALFORMED,
  NOT_RTP,
  REPLAYED,
  SrtpReceiver,
  SrtpSender,
  TOO_OLD,
} from 'frameseal/srtp';
import { bytes, changed, equal, equalBytes, MOST_BYTES, refused, rtcp, rtp, thrown } from './assert.mjs';

const SSRC = 0xdeadbeef;
const SUITES = { AEAD_AES_128_GCM: 16, AEAD_AES_256_GCM: 32 };
const payload = bytes(MOST_BYTES, 6);

export const SRTP_CHECKS = [
  ...Object.keys(SUITES).map((suite) => [`SRTP, ${suite}, 0 to 1,500 bytes`, () => everyLength(suite)]),
  ['SRTP, statuses and windows', windows],
  ['SRTP, batch', batch],
  ['SRTP, keys', keys],
];

function keysOf(suite) {
  return { suite, masterKey: bytes(SUITES[suite], 7), masterSalt: bytes(12, 8) };
}

/** Both engines protect a packet alike, and each takes the other's. */
function everyLength(suite) {
  const [sender, other] = ['auto', 'portable'].map((engine) => new SrtpSender(keysOf(suite), { engine }));
  const [otherReceiver, receiver] = ['auto', 'portable'].map((engine) => new SrtpReceiver(keysOf(suite), { engine }));
  const [out, expected, back] = [0, 1, 2].map(() => new Uint8Array(MOST_BYTES + 100));
  const kinds = [
    { make: (part, i) => rtp(part, i), protect: 'protect', unprotect: 'unprotect', overhead: sender.overhead },
    { make: (part) => rtcp(part), protect: 'protectRtcp', unprotect: 'unprotectRtcp', overhead: sender.rtcpOverhead },
  ];
  for (const { make, protect, unprotect, overhead } of kinds) {
    for (let length = 0; length <= MOST_BYTES; length++) {
      const packet = make(payload.subarray(0, length), length);
      const written = sender[protect](packet, out);
      equal(written, packet.length + overhead, `${protect}, ${length} bytes`);
      other[protect](packet, expected);
      equalBytes(out.subarray(0, written), expected.subarray(0, written), `${protect}, ${length} bytes`);
      equal(isRtcp(out.subarray(0, written)), isRtcp(packet), 'isRtcp');
      for (const each of [receiver, otherReceiver]) {
        equal(each[unprotect](out, back, written), packet.length, `${unprotect}, ${length} bytes`);
        equalBytes(back.subarray(0, packet.length), packet, `${unprotect}, ${length} bytes`);
      }
    }
  }
  for (const side of [sender, other, receiver, otherReceiver]) side.close();
}

function windows() {
  const [sender, receiver] = [SrtpSender, SrtpReceiver].map(
    (Side) => new Side(keysOf('AEAD_AES_128_GCM'), { replayWindow: 64 }),
  );
  const protectedOf = (sequence) => {
    const out = new Uint8Array(100);
    return out.subarray(0, sender.protect(rtp(payload.subarray(0, 30), sequence), out));
  };
  const unprotect = (packet) => receiver.unprotect(packet, new Uint8Array(100));
  const [first, second, last] = [65_534, 65_535, 100].map(protectedOf);
  equal(unprotect(first), 42, 'the first');
  equal(unprotect(last), 42, 'the last, after the sequence number wrapped');
  refused(TOO_OLD, 'behind the window', (out) => receiver.unprotect(second, out));
  refused(REPLAYED, 'a copy', (out) => receiver.unprotect(last, out));
  refused(REPLAYED, 'protected before', (out) => sender.protect(rtp(payload, 100), out));
  const next = protectedOf(101);
  refused(BAD_TAG, 'a changed packet', (out) => receiver.unprotect(changed(next, 12), out));
  refused(MALFORMED, 'no room for a tag', (out) => receiver.unprotect(next.subarray(0, 27), out));
  refused(NOT_RTP, 'STUN', (out) => receiver.unprotect(new Uint8Array(40), out));
  equal(unprotect(next), 42, 'the packet itself');
  sender.setRoc(SSRC, 0xffffffff);
  equal(protectedOf(65_535).length, 58, 'the last index');
  refused(EXHAUSTED, 'beyond the last index', (out) => sender.protect(rtp(payload, 0), out));
  refused(REPLAYED, 'the last index, again', (out) => sender.protect(rtp(payload, 65_535), out));
  equal(receiver.stats.refused.BAD_TAG, 1, 'changed packets counted');
  sender.close();
  receiver.close();
  refused(CLOSED, 'a closed sender', (out) => sender.protect(rtp(payload), out));
  refused(CLOSED, 'a closed receiver', (out) => receiver.unprotectRtcp(next, out));
}

function batch() {
  const [sender, receiver] = [new SrtpSender(keysOf('AEAD_AES_256_GCM')), new SrtpReceiver(keysOf('AEAD_AES_256_GCM'))];
  const packets = Array.from({ length: 40 }, (_, i) => rtp(payload.subarray(0, 37 * i), i));
  const results = new Int32Array(packets.length);
  const outs = packets.map((packet) => new Uint8Array(packet.length + 16));
  equal(sender.protectBatch(packets, outs, results), packets.length, 'packets protected');
  outs[3] = changed(outs[3], -1);
  outs[5] = outs[4];
  const opened = outs.map((out) => new Uint8Array(out.length));
  equal(receiver.unprotectBatch(outs, opened, results), packets.length - 2, 'packets unprotected');
  equal(results[3], BAD_TAG, 'a changed packet');
  equal(results[5], REPLAYED, 'a copy');
  equalBytes(opened[39].subarray(0, results[39]), packets[39], 'the last packet');
  for (const side of [sender, receiver]) side.close();
}

function keys() {
  const both = bytes(28, 9);
  const inline = btoa(String.fromCharCode(...both));
  const { masterKey, masterSalt } = keysFromSdes(`a=crypto:1 AEAD_AES_128_GCM inline:${inline}|2^48`);
  equalBytes(masterKey, both.subarray(0, 16), 'the key of SDES');
  equalBytes(masterSalt, both.subarray(16), 'the salt of SDES');
  const wrong = thrown('ConfigError', 'an MKI', () => keysFromSdes(`1 AEAD_AES_128_GCM inline:${inline}|2^20|1:4`));
  equal(wrong.code, 'sdes_mki', 'its code');
  equal(wrong.message.includes(inline), false, 'the message shows the key');
  const material = bytes(56, 10);
  const { client, server } = keysFromDtls(material, 'AEAD_AES_128_GCM');
  equalBytes(client.masterKey, material.subarray(0, 16), "the client's key of DTLS");
  equalBytes(server.masterSalt, material.subarray(44), "the server's salt of DTLS");
  thrown('ConfigError', 'too short', () => keysFromDtls(material, 'AEAD_AES_256_GCM'));
}
