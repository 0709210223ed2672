/**
 * `npm run e2e`: real clients. ffmpeg sends a tone (PCMA) and a test picture (VP8) as RTP, through a sealing and an
 * opening gateway, to a receiving ffmpeg.
 *
 *     ffmpeg -> :clear -> gateway --seal -> :sealed (tshark captures) -> gateway --open -> :opened -> ffmpeg
 *
 * The audio must come out byte for byte, every picture must decode to the same image, and the capture of the sealed leg
 * must hold no piece of the tone. The capture of the clear leg must hold some: this shows that the search works. ffmpeg's
 * sender reports travel on the next ports: sealed between the gateways, but for 8 bytes, and unchanged after them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess, onLoopback } from '../../src/cli/dist/gateway/process.js';
import { inTemporaryDirectory, needTools, run, start, step, until } from './tools.mjs';

const CLI = new URL('../../src/cli/dist/main.js', import.meta.url).pathname;
/** Length of the media, and the length after which a receiver ends by itself. */
const SENT_SECONDS = 5;
const TAKEN_SECONDS = 4;
const CLEAR = 15_340;
const SEALED = 15_440;
const OPENED = 15_540;
const PIECE_BYTES = 16;
const PICTURE_RATE = 20;
const QUIET = ['-hide_banner', '-loglevel', 'error', '-y'];

needTools({ ffmpeg: 'ffmpeg', tshark: 'tshark' });
await inTemporaryDirectory(async (file) => {
  makeMedia(file);
  const config = file('config.json');
  run(process.execPath, [CLI, 'keygen', '--out', config]);
  await tone(file, config);
  await picture(file, config);
});
step('the tone arrived byte for byte, the picture decodes to the same images, the sealed leg shows nothing');

function makeMedia(file) {
  step('making a tone and a test picture');
  const toneSource = `sine=frequency=440:sample_rate=8000:duration=${SENT_SECONDS}`;
  run('ffmpeg', [...QUIET, '-f', 'lavfi', '-i', toneSource, '-ac', '1', '-f', 'alaw', file('tone.al')]);
  const pictureSource = `testsrc2=size=320x180:rate=${PICTURE_RATE}:duration=${SENT_SECONDS}`;
  const encoder = ['-c:v', 'libvpx', '-b:v', '400k', '-deadline', 'realtime', '-g', '20'];
  run('ffmpeg', [...QUIET, '-f', 'lavfi', '-i', pictureSource, ...encoder, file('picture.ivf')]);
}

async function tone(file, config) {
  step('tone: ffmpeg -> gateways -> ffmpeg');
  const input = ['-f', 'alaw', '-ar', '8000', '-ac', '1', '-i', file('tone.al')];
  const output = ['-c', 'copy', '-f', 'alaw', '-flush_packets', '1', file('received.al')];
  writeFileSync(file('tone.sdp'), sdp('audio', 8, 'PCMA/8000'));
  const clear = capture(file('clear.pcapng'), CLEAR);
  const sealed = capture(file('sealed.pcapng'), SEALED);
  const reports = [CLEAR, SEALED, OPENED].map((port) => capture(file(`rtcp-${port}.pcapng`), port + 1));
  await Promise.all([clear, sealed, ...reports].map((captured) => until(captured, /Capturing/)));
  await transfer(file, config, { input, sdpFile: 'tone.sdp', output, packetBytes: 172 });
  for (const { child, ended } of [clear, sealed, ...reports]) {
    child.kill('SIGINT');
    await ended;
  }
  const sent = readFileSync(file('tone.al')).subarray(0, 8000 * TAKEN_SECONDS);
  const received = readFileSync(file('received.al'));
  if (!sent.equals(received))
    throw new Error(`the tone differs: sent ${sent.length} bytes, received ${received.length}`);
  const pieces = new Set();
  for (let at = 0; at + PIECE_BYTES <= sent.length; at++) pieces.add(sent.toString('latin1', at, at + PIECE_BYTES));
  const found = {
    clear: payloadsWith(pieces, file('clear.pcapng')),
    sealed: payloadsWith(pieces, file('sealed.pcapng')),
  };
  step(`tone: ${sent.length} bytes are identical; packets with a piece of it: ${JSON.stringify(found)}`);
  if (found.clear.withPiece === 0) throw new Error('the clear leg shows no tone either: the search is blind');
  if (found.sealed.packets === 0) throw new Error('the capture of the sealed leg is empty');
  if (found.sealed.withPiece > 0) throw new Error('the sealed leg shows pieces of the tone');
  compareReports(...[CLEAR, SEALED, OPENED].map((port) => payloadsOf(file(`rtcp-${port}.pcapng`))));
}

/** Sender reports: the same before and after the gateways, and between them 8 bytes of each. */
function compareReports(sent, sealed, opened) {
  const same = sent.filter((report, i) => opened[i] === report).length;
  const hidden = sealed.filter(
    (packet, i) => packet.slice(0, 16) === sent[i].slice(0, 16) && !packet.includes(sent[i].slice(16)),
  );
  const isReport = (hex) => /^8[01]c8/.test(hex);
  step(`RTCP: ${sent.length} sent, ${hidden.length} sealed, ${same} arrived as they were`);
  if (sent.length === 0 || !sent.every(isReport)) throw new Error('ffmpeg sent no sender report');
  if (same !== sent.length || opened.length !== sent.length) throw new Error('sender reports were lost or changed');
  if (hidden.length !== sent.length) throw new Error('a sender report is not sealed');
}

async function picture(file, config) {
  step('picture: ffmpeg -> gateways -> ffmpeg');
  writeFileSync(file('picture.sdp'), sdp('video', 96, 'VP8/90000'));
  const input = ['-i', file('picture.ivf')];
  const output = ['-c', 'copy', file('received.ivf')];
  await transfer(file, config, { input, sdpFile: 'picture.sdp', output, packetBytes: 1200 });
  const sent = imageHashes(file('picture.ivf'));
  const received = imageHashes(file('received.ivf'));
  const wanted = PICTURE_RATE * TAKEN_SECONDS;
  const same = received.filter((hash, i) => hash === sent[i]).length;
  step(`picture: ${received.length} of ${wanted} images decode, ${same} are the same`);
  if (received.length !== wanted || same !== wanted) throw new Error('the picture differs');
}

/** Sends a file along the path, and waits until the receiver has written its file. */
async function transfer(file, config, { input, sdpFile, output, packetBytes }) {
  const gateway = (direction, listen, forward) =>
    GatewayProcess.start([...onLoopback(direction, listen, forward), '--config', config]);
  const [sealing, opening] = await Promise.all([gateway('seal', CLEAR, SEALED), gateway('open', SEALED, OPENED)]);
  const limit = ['-t', String(TAKEN_SECONDS)];
  const source = ['-protocol_whitelist', 'file,udp,rtp', '-i', file(sdpFile)];
  const receiver = start('ffmpeg', [...QUIET, ...source, ...limit, ...output]);
  await sleep(700);
  const target = `rtp://127.0.0.1:${CLEAR}?pkt_size=${packetBytes}`;
  const sender = start('ffmpeg', [...QUIET, '-re', ...input, '-c', 'copy', '-f', 'rtp', target]);
  await endOfReceiver(receiver);
  await sender.ended;
  if (sender.child.exitCode !== 0) throw new Error(`the sender failed: ${sender.output()}`);
  await sealing.drain();
  const { forwarded, rtcp, refused } = await opening.drain();
  step(`gateway --open: ${JSON.stringify({ forwarded, rtcp, refused })}`);
}

/** Ends a receiver that waits for media too long. */
async function endOfReceiver({ child, ended, output }) {
  const late = setTimeout(() => child.kill('SIGTERM'), 15_000);
  await ended;
  clearTimeout(late);
  if (child.exitCode !== 0) throw new Error(`the receiver ended with ${child.exitCode}: ${output()}`);
}

function sdp(media, payloadType, encoding) {
  return [
    ...['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=frameseal', 'c=IN IP4 127.0.0.1', 't=0 0'],
    `m=${media} ${OPENED} RTP/AVP ${payloadType}`,
    `a=rtpmap:${payloadType} ${encoding}`,
    '',
  ].join('\n');
}

function capture(path, port) {
  return start('tshark', ['-i', 'lo', '-f', `udp dst port ${port}`, '-w', path]);
}

/** The UDP payloads of a capture, in hex. */
function payloadsOf(path) {
  const text = run('tshark', ['-r', path, '-T', 'fields', '-e', 'udp.payload']);
  return text.replaceAll(':', '').trim().split('\n').filter(Boolean);
}

/** Counts the UDP payloads of a capture, and those that hold one of the pieces. */
function payloadsWith(pieces, path) {
  const lines = payloadsOf(path);
  const has = (payload) => {
    for (let at = 0; at + PIECE_BYTES <= payload.length; at++) {
      if (pieces.has(payload.toString('latin1', at, at + PIECE_BYTES))) return true;
    }
    return false;
  };
  const withPiece = lines.filter((hex) => has(Buffer.from(hex, 'hex'))).length;
  return { packets: lines.length, withPiece };
}

function imageHashes(path) {
  const text = run('ffmpeg', [...QUIET, '-i', path, '-f', 'framemd5', '-']);
  return text
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1).trim());
}
