/**
 * The worker of the call: two channels, one for each end, and the transforms of their frames. A real page has one channel; this
 * one talks to itself, and a channel refuses its own frames.
 */
import { enableEncryption } from 'frameseal';
import { openFrames, sealFrames } from 'frameseal/webrtc';

const REPORT_EVERY_MS = 250;
/** The new key opens at once and seals after this time, when the other side has it as well. */
const ROTATION = { sealAfterMs: 300, graceMs: 3000 };
const HEAD_BYTES = 44;

const channels = { sender: undefined, receiver: undefined };
const counts = { sealed: 0, arrived: 0, opened: 0 };
let sample;

const COMMANDS = {
  /** Makes the channel of one end. */
  make({ end, config }) {
    channels[end]?.close();
    channels[end] = enableEncryption(config, { framing: 'frame' });
  },
  rotate({ ends, config }) {
    for (const end of ends) channels[end].rotate(config, ROTATION);
  },
};

self.onmessage = ({ data }) => {
  try {
    COMMANDS[data.command](data);
    self.postMessage({ done: { engine: channels.sender.engine, mode: channels.sender.mode } });
  } catch (error) {
    self.postMessage({ refused: { field: error.field, message: error.message } });
  }
};

self.onrtctransform = ({ transformer }) => {
  const { role, codec, turn } = transformer.options;
  const options = { codec, onStatus: (status) => self.postMessage({ status: { role, turn, ...status } }) };
  const run = role === 'seal' ? sealFrames(channels.sender, options) : openFrames(channels.receiver, options);
  run(counted(transformer, role)).catch((error) => self.postMessage({ failed: `${role}: ${error.message}` }));
  // A decoder that starts in the middle needs a key frame.
  if (role === 'open' && codec !== 'opus') transformer.sendKeyFrameRequest?.().catch(() => {});
};

setInterval(() => {
  // A fingerprint changes when the new key of a rotation seals.
  const prints = { sender: channels.sender?.fingerprint, receiver: channels.receiver?.fingerprint };
  self.postMessage({ counts: { ...counts }, prints, sample });
  sample = undefined;
}, REPORT_EVERY_MS);

/** The transformer, and what goes through it counted; of a sealed frame also how it began before and after. */
function counted(transformer, role) {
  const heads = new WeakMap();
  const before = new TransformStream({
    transform(frame, controller) {
      // Browsers hand over empty frames at the start of a stream.
      if (role === 'open' && frame.data.byteLength > 0) counts.arrived++;
      if (role === 'seal' && frame.type !== undefined) heads.set(frame, headOf(frame));
      controller.enqueue(frame);
    },
  });
  const after = new TransformStream({
    transform(frame, controller) {
      counts[role === 'seal' ? 'sealed' : 'opened']++;
      if (heads.has(frame)) sample ??= { kind: frame.type, plain: heads.get(frame), cipher: headOf(frame) };
      controller.enqueue(frame);
    },
  });
  after.readable.pipeTo(transformer.writable).catch(() => {});
  return {
    readable: transformer.readable.pipeThrough(before),
    writable: after.writable,
    generateKeyFrame: () => transformer.generateKeyFrame?.(),
    sendKeyFrameRequest: () => transformer.sendKeyFrameRequest?.(),
  };
}

function headOf({ data }) {
  return { bytes: data.byteLength, head: new Uint8Array(data.slice(0, HEAD_BYTES)) };
}
