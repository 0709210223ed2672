/** `frameseal/webrtc` with the runtime's streams, `frameseal/recording`, and `frameseal/accelerated`. */
import { enableEncryption, warmUp } from 'frameseal';
import { useAcceleratedEngine } from 'frameseal/accelerated';
import { RecordingRewriter, RecordingWriter, readPackets, udpPacket } from 'frameseal/recording';
import { openFrames, sealFrames } from 'frameseal/webrtc';
import { bytes, changed, configOf, equal, equalBytes, thrown } from './assert.mjs';
import { verifyAll } from './ciphers.mjs';

const FRAMES = 50;
const CHANGED_FRAME = 7;

export const STREAM_CHECKS = [
  ['encoded transforms', transforms],
  ...['pcap', 'pcapng'].map((format) => [`recordings, ${format}`, () => recording(format)]),
  ['warmUp', warmUp],
  // Last, because channels that are made afterwards have its engine.
  ['accelerated', accelerated],
];

async function transforms() {
  const config = configOf('AES_128_GCM2');
  thrown('TypeError', 'a channel for RTP', () => sealFrames(enableEncryption(config)));
  const [sending, receiving] = [0, 1].map(() => enableEncryption(config, { framing: 'frame' }));
  const frames = Array.from({ length: FRAMES }, (_, i) => bytes(1 + 20 * i, i));
  const readable = new ReadableStream({
    start(controller) {
      for (const frame of frames)
        controller.enqueue({ data: frame.slice().buffer, getMetadata: () => ({ mimeType: 'audio/opus' }) });
      controller.close();
    },
  });
  let count = 0;
  const path = new TransformStream({
    transform(frame, controller) {
      if (count++ === CHANGED_FRAME) frame.data = changed(new Uint8Array(frame.data), -1).buffer;
      controller.enqueue(frame);
    },
  });
  const [sealedStream, openedStream] = [new TransformStream(), new TransformStream()];
  const played = [];
  const reports = [];
  await Promise.all([
    sealFrames(sending)({ readable, writable: sealedStream.writable }),
    openFrames(receiving, { onStatus: ({ status }) => reports.push(status) })({
      readable: sealedStream.readable.pipeThrough(path),
      writable: openedStream.writable,
    }),
    openedStream.readable.pipeTo(
      new WritableStream({ write: (frame) => void played.push(new Uint8Array(frame.data)) }),
    ),
  ]);
  equal(reports.join(), '-5,0', 'reports');
  equal(played.length, FRAMES - 1, 'frames that opened');
  for (const [i, frame] of frames.filter((_, i) => i !== CHANGED_FRAME).entries())
    equalBytes(played[i], frame, `frame ${i}`);
  for (const channel of [sending, receiving]) channel.close();
}

function recording(format) {
  const [source, destination] = [5004, 6004].map((port) => ({ address: '192.0.2.1', port }));
  const writer = new RecordingWriter(format);
  const payloads = Array.from({ length: 100 }, (_, i) => bytes(10 * i, i));
  const parts = [writer.start()];
  for (const [i, payload] of payloads.entries())
    parts.push(writer.packet(BigInt(i) * 1000n, udpPacket({ source, destination, payload })));
  const rewriter = new RecordingRewriter({
    growth: 1,
    takes: ({ destinationPort }) => destinationPort === 6004,
    transform(inputs, outs, results, count) {
      for (let i = 0; i < count; i++) {
        outs[i].set(inputs[i]);
        outs[i][inputs[i].length] = 0xff;
        results[i] = inputs[i].length + 1;
      }
    },
  });
  const rewritten = parts.flatMap((part) => [...rewriter.push(part)].map((made) => made.slice()));
  equal(rewriter.end(), 0, 'bytes of a record cut short');
  const packets = [...readPackets(rewritten)].map(({ timeNs, payload }) => ({ timeNs, payload: payload.slice() }));
  equal(packets.length, payloads.length, 'packets');
  for (const [i, { timeNs, payload }] of packets.entries()) {
    equal(timeNs, BigInt(i) * 1000n, 'time');
    equalBytes(payload, Uint8Array.from([...payloads[i], 0xff]), `payload ${i}`);
  }
}

function accelerated() {
  const form = useAcceleratedEngine();
  equal(['wide', 'relaxed', 'plain', 'portable'].includes(form), true, `the form ${form}`);
  return verifyAll('auto');
}
