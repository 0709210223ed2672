/**
 * A process with secrets: makes keys in place, seals and opens with them one by one, in batches and across a rotation, says
 * so; on a byte closes, says so; on another ends. What it does is its argument, as JSON: { mode, engine, seeds } for a
 * channel, { mode: 'SRTP', engine } for SRTP, { engine } for the bare ciphers. The caller's own arrays are wiped with the channel.
 */
import { AesGcm, Sm4Ecb } from '../../../dist/aead.js';
import { enableEncryptionWith } from '../../../dist/channel/channel.js';
import { SrtpReceiver, SrtpSender } from '../../../dist/srtp/index.js';

const { mode, engine } = JSON.parse(process.argv[2]);
console.warn = () => {};

const own = [];
/** As keys.ts has it. Memory of its own, which no collector moves. */
function made(seed, length) {
  const array = new Uint8Array(new ArrayBuffer(length));
  for (let i = 0; i < length; i++) array[i] = i * 151 + seed * 67 + ((i * i * 29) >> 2);
  own.push(array);
  return array;
}

function settings(seed, keyId) {
  if (mode === 'SM4_128_ECB') return { encryptionMode: mode, encryptionKey: made(seed, 16) };
  return { encryptionMode: mode, encryptionKey: made(seed, 32), encryptionKdfSalt: made(seed + 1, 32), keyId };
}

function checked(written) {
  if (written < 0) throw new Error(`status ${written}`);
  return written;
}

function traffic(sealer, opener) {
  const out = new Uint8Array(200);
  for (let i = 0; i < 20; i++) checked(opener.open(out, out, checked(sealer.seal(out, out, 100))));
  const frames = Array.from({ length: 20 }, () => new Uint8Array(100));
  const sealed = frames.map(() => new Uint8Array(100 + sealer.overhead));
  const results = new Int32Array(frames.length);
  sealer.sealBatch(frames, sealed, results);
  const inputs = sealed.map((array, i) => array.subarray(0, results[i]));
  if (opener.openBatch(inputs, sealed, results) !== frames.length) throw new Error('a batch was refused');
}

function channel() {
  let drawn = 0;
  const sessions = (words) => {
    words[0] = 0x12345670;
    words[1] = 0x23456789 + drawn++;
    return 0;
  };
  const made = enableEncryptionWith(settings(1, 0), { framing: 'frame', engine }, sessions);
  const [sealer, opener] = [made.createSealer(), made.createOpener({ loopback: true })];
  traffic(sealer, opener);
  if (mode !== 'SM4_128_ECB') {
    made.rotate(settings(3, 1), { graceMs: 1_000_000 });
    traffic(sealer, opener);
  }
  return () => made.close();
}

function ciphers() {
  const out = new Uint8Array(200);
  const gcms = [16, 32].map((length, i) => new AesGcm(made(1 + i, length), { engine }));
  for (const gcm of gcms) {
    checked(gcm.seal(new Uint8Array(12), new Uint8Array(5), new Uint8Array(100), out));
    checked(gcm.open(new Uint8Array(12), new Uint8Array(5), out.subarray(0, 116), out));
  }
  const sm4 = new Sm4Ecb(made(3, 16), { engine });
  checked(sm4.decrypt(out.subarray(0, checked(sm4.encrypt(new Uint8Array(100), out))), out));
  return () => {
    for (const cipher of [...gcms, sm4]) cipher.destroy();
  };
}

function srtp() {
  const keys = { suite: 'AEAD_AES_128_GCM', masterKey: made(1, 16), masterSalt: made(2, 12) };
  const [sender, receiver] = [new SrtpSender(keys, { engine }), new SrtpReceiver(keys, { engine })];
  const packets = Array.from({ length: 40 }, (_, i) => Uint8Array.of(0x80, 96, 0, i, ...new Uint8Array(100)));
  const outs = packets.map((packet) => new Uint8Array(packet.length + sender.rtcpOverhead));
  for (let i = 0; i < 20; i++) {
    checked(receiver.unprotect(outs[i], outs[i], checked(sender.protect(packets[i], outs[i]))));
    checked(receiver.unprotectRtcp(outs[i], outs[i], checked(sender.protectRtcp(packets[i], outs[i]))));
  }
  const results = new Int32Array(20);
  sender.protectBatch(packets.slice(20), outs.slice(20), results);
  const sealed = outs.slice(20).map((out, i) => out.subarray(0, results[i]));
  if (receiver.unprotectBatch(sealed, outs.slice(20), results) !== 20) throw new Error('a batch was refused');
  return () => {
    for (const side of [sender, receiver]) side.close();
  };
}

const begin = { SRTP: srtp, undefined: ciphers }[mode] ?? channel;
const close = begin();
process.stdin.once('data', () => {
  close();
  for (const array of own) array.fill(0);
  process.stdout.write('2');
  process.stdin.once('data', () => process.exit());
});
process.stdout.write('1');
