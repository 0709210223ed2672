/** GStreamer's srtpenc and srtpdec: a tone as PCMA, both ways over the sequence wrap, byte for byte. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SrtpReceiver, SrtpSender } from '../../../dist/bundle/srtp/index.js';
import { start } from '../tools.mjs';
import { audioPacket, FIRST_SEQUENCE, keyAndSalt, made, randomKeys, SSRC } from './packets.mjs';
import { listen, until } from './sockets.mjs';

const PACKETS = 50;
const PACKET_BYTES = 160;
const PACKET_MS = 20;
const FROM_PORT = 15_640;
const TO_PORT = 15_642;
const CIPHERS = { AEAD_AES_128_GCM: 'aes-128-gcm', AEAD_AES_256_GCM: 'aes-256-gcm' };

/** srtpenc sends, and keeps what it sent in a file. */
async function fromGstreamer(suite, file) {
  const keys = randomKeys(suite);
  const socket = await listen(FROM_PORT);
  const cipher = CIPHERS[suite];
  const sent = file(`sent-${suite}`);
  // GStreamer takes a GCM suite only with its authentication set to null.
  const srtpenc = `srtpenc key=${keyAndSalt(keys).toString('hex')} rtp-cipher=${cipher} rtp-auth=null rtcp-cipher=${cipher} rtcp-auth=null`;
  const pay = `rtppcmapay pt=8 ssrc=${SSRC} seqnum-offset=${FIRST_SEQUENCE} min-ptime=${PACKET_MS}000000 max-ptime=${PACKET_MS}000000`;
  const source = `audiotestsrc num-buffers=${PACKETS} samplesperbuffer=${PACKET_BYTES} is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! tee name=t`;
  const text = `-q ${source} ! queue ! ${pay} ! ${srtpenc} ! udpsink host=127.0.0.1 port=${FROM_PORT} t. ! queue ! filesink location=${sent}`;
  const { child, ended, output } = start('gst-launch-1.0', text.split(' '));
  await ended;
  if (child.exitCode !== 0) throw new Error(`gst-launch-1.0 ended with ${child.exitCode}: ${output()}`);
  await until('the packets of srtpenc', () => socket.packets.length >= PACKETS);
  socket.close();
  const receiver = new SrtpReceiver(keys);
  const payloads = socket.packets.map((packet) =>
    made((input, out) => receiver.unprotect(input, out), packet).subarray(12),
  );
  const sequences = socket.packets.map((packet) => (packet[2] << 8) | packet[3]);
  if (!sequences.includes(65_535) || !sequences.includes(0)) throw new Error('the sequence did not wrap');
  compare(Buffer.concat(payloads), readFileSync(sent), 'from GStreamer');
}

/** srtpdec receives, and writes what it gets to a file. */
async function toGstreamer(suite, file) {
  const keys = randomKeys(suite);
  const cipher = CIPHERS[suite];
  const received = file(`received-${suite}`);
  const caps = [
    'application/x-srtp,media=(string)audio,clock-rate=(int)8000,encoding-name=(string)PCMA,payload=(int)8',
    `ssrc=(uint)${SSRC},roc=(uint)0,srtp-key=(buffer)${keyAndSalt(keys).toString('hex')}`,
    `srtp-cipher=(string)${cipher},srtp-auth=(string)null,srtcp-cipher=(string)${cipher},srtcp-auth=(string)null`,
  ].join(',');
  const text = `-q udpsrc address=127.0.0.1 port=${TO_PORT} caps=${caps} ! srtpdec ! rtppcmadepay ! filesink location=${received} buffer-mode=unbuffered`;
  const { child, ended, output } = start('gst-launch-1.0', text.split(' '));
  await until('the file of srtpdec', () => existsSync(received));
  await sleep(500);
  const socket = await listen(0);
  const sender = new SrtpSender(keys);
  const payload = Buffer.from(Array.from({ length: PACKETS * PACKET_BYTES }, (_, i) => (i * 7919) >>> 5));
  for (let i = 0; i < PACKETS; i++) {
    const packet = audioPacket(i, payload.subarray(i * PACKET_BYTES, (i + 1) * PACKET_BYTES));
    const sealed = made((input, out) => sender.protect(input, out), packet);
    // A changed copy first: it must not reach the file.
    const changed = sealed.slice();
    changed[20] ^= 1;
    await socket.send(changed, TO_PORT);
    await socket.send(sealed, TO_PORT);
    await sleep(2);
  }
  socket.close();
  try {
    await until('the bytes of srtpdec', () => statSync(received).size >= payload.length);
  } catch (error) {
    throw new Error(`${error.message}: ${statSync(received).size} of ${payload.length} bytes; ${output()}`);
  }
  child.kill('SIGINT');
  await ended;
  compare(readFileSync(received), payload, 'to GStreamer');
}

function compare(actual, expected, what) {
  if (expected.length !== PACKETS * PACKET_BYTES || !actual.equals(expected)) {
    throw new Error(`${what}: ${actual.length} bytes differ from ${expected.length}`);
  }
}

export async function gstreamer(suite, file) {
  await fromGstreamer(suite, file);
  await toGstreamer(suite, file);
  return `${PACKETS} packets each way over the wrap, byte for byte`;
}
