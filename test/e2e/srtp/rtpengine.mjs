/**
 * rtpengine, a media proxy, with keys from SDES (RFC 4568):
 *
 *     SrtpSender   -> SRTP -> rtpengine -> RTP -> a plain socket
 *     SrtpReceiver <- SRTP <- rtpengine <- RTP <- a plain socket
 *
 * It takes commands in its control protocol: a cookie and a bencoded dictionary in a datagram.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { keysFromSdes, SrtpReceiver, SrtpSender } from '../../../dist/bundle/srtp/index.js';
import { start } from '../tools.mjs';
import { audioPacket, keyAndSalt, made, mustEqual, randomKeys } from './packets.mjs';
import { listen, until } from './sockets.mjs';

const PACKETS = 60;
const FIRST_SEQUENCE = 65_500;
const CONTROL_PORT = 15_700;
const MEDIA_PORTS = [15_800, 15_899];
const OPTIONS = [
  '--foreground',
  '--log-stderr',
  '--log-level=5',
  '--table=-1',
  '--interface=127.0.0.1',
  `--listen-ng=127.0.0.1:${CONTROL_PORT}`,
  `--port-min=${MEDIA_PORTS[0]}`,
  `--port-max=${MEDIA_PORTS[1]}`,
];

function bencoded(value) {
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`;
  if (Array.isArray(value)) return `l${value.map(bencoded).join('')}e`;
  return `d${Object.entries(value)
    .map(([name, each]) => bencoded(name) + bencoded(each))
    .join('')}e`;
}

/** The strings, lists and dictionaries of an answer; numbers too. */
function bdecoded(text) {
  let at = 0;
  const value = () => {
    const kind = text[at];
    if (kind === 'd' || kind === 'l') {
      at++;
      const items = [];
      while (text[at] !== 'e') items.push(value());
      at++;
      if (kind === 'l') return items;
      return Object.fromEntries(items.flatMap((item, i) => (i % 2 === 0 ? [[item, items[i + 1]]] : [])));
    }
    const end = text.indexOf(kind === 'i' ? 'e' : ':', at);
    const number = Number(text.slice(kind === 'i' ? at + 1 : at, end));
    at = end + 1;
    if (kind === 'i') return number;
    at += number;
    return text.slice(at - number, at);
  };
  return value();
}

/** One command, and rtpengine's answer to it. */
async function command(control, body) {
  const cookie = randomBytes(6).toString('hex');
  const before = control.packets.length;
  const text = Buffer.from(`${cookie} ${bencoded(body)}`);
  await control.send(text, CONTROL_PORT);
  await until(`an answer to ${body.command}`, () => control.packets.length > before);
  const answer = Buffer.from(control.packets.at(-1)).toString('latin1');
  const decoded = bdecoded(answer.slice(cookie.length + 1));
  if (decoded.result !== 'ok' && decoded.result !== 'pong') throw new Error(`${body.command}: ${answer}`);
  return decoded;
}

function sdp(port, protocol, ...attributes) {
  const lines = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  return [...lines, `m=audio ${port} ${protocol} 8`, 'a=rtpmap:8 PCMA/8000', ...attributes, ''].join('\r\n');
}

const portOf = (description) => Number(/^m=audio (\d+) /m.exec(description)[1]);

export async function rtpengine(suite) {
  const engine = start('rtpengine', OPTIONS);
  const [control, secure, plain] = [await listen(0), await listen(0), await listen(0)];
  try {
    await answering(control, engine);
    const ours = randomKeys(suite);
    const crypto = `a=crypto:1 ${suite} inline:${keyAndSalt(ours).toString('base64')}`;
    const call = { 'call-id': randomBytes(6).toString('hex'), 'from-tag': 'ours' };
    const remove = { ICE: 'remove' };
    const offer = sdp(secure.port, 'RTP/SAVP', crypto);
    const offered = await command(control, {
      command: 'offer',
      ...call,
      ...remove,
      sdp: offer,
      'transport-protocol': 'RTP/AVP',
    });
    const answer = sdp(plain.port, 'RTP/AVP');
    const tags = { ...call, 'to-tag': 'theirs' };
    const answered = await command(control, {
      command: 'answer',
      ...tags,
      ...remove,
      sdp: answer,
      'transport-protocol': 'RTP/SAVP',
    });
    const line = /^a=crypto:.*$/m.exec(answered.sdp)?.[0];
    if (line === undefined) throw new Error(`rtpengine answers without keys: ${answered.sdp}`);
    const theirs = keysFromSdes(line.trim());
    if (theirs.suite !== suite) throw new Error(`rtpengine chose ${theirs.suite}`);
    await outward(new SrtpSender(ours), secure, plain, portOf(answered.sdp));
    await inward(new SrtpReceiver(theirs), secure, plain, portOf(offered.sdp));
    await command(control, { command: 'delete', ...tags });
    return `${PACKETS} of ${PACKETS} packets each way, keys by SDES`;
  } catch (error) {
    throw new Error(`${error.message}\n${engine.output().slice(-1500)}`);
  } finally {
    for (const socket of [control, secure, plain]) socket.close();
    engine.child.kill('SIGTERM');
    await engine.ended;
  }
}

/** Waits until it answers pings. */
async function answering(control, engine) {
  for (let tries = 0; tries < 100 && control.packets.length === 0; tries++) {
    if (engine.child.exitCode !== null) throw new Error('rtpengine ended');
    await control.send(Buffer.from(`0 ${bencoded({ command: 'ping' })}`), CONTROL_PORT).catch(() => {});
    await sleep(100);
  }
  if (control.packets.length === 0) throw new Error('rtpengine does not answer');
  await sleep(200);
}

/** Ours to theirs: what comes out of rtpengine is what was protected. */
async function outward(sender, secure, plain, port) {
  const sent = [];
  for (let i = 0; i < PACKETS; i++) {
    const packet = audioPacket(i, randomBytes(160), { ssrc: 0x11111111, first: FIRST_SEQUENCE });
    sent.push(packet);
    await secure.send(
      made((input, out) => sender.protect(input, out), packet),
      port,
    );
    await sleep(5);
  }
  await until('packets out of rtpengine', () => plain.packets.length >= PACKETS);
  for (const [i, packet] of sent.entries()) mustEqual(plain.packets[i], packet, `packet ${i} out of rtpengine`);
}

/** Theirs to ours. */
async function inward(receiver, secure, plain, port) {
  const sent = [];
  for (let i = 0; i < PACKETS; i++) {
    const packet = audioPacket(i, randomBytes(160), { ssrc: 0x22222222, first: FIRST_SEQUENCE });
    sent.push(packet);
    await plain.send(packet, port);
    await sleep(5);
  }
  await until('packets of rtpengine', () => secure.packets.length >= PACKETS);
  const opened = secure.packets.map((packet) => made((input, out) => receiver.unprotect(input, out), packet));
  for (const [i, packet] of sent.entries()) mustEqual(opened[i], packet, `packet ${i} of rtpengine`);
}
