/**
 * The worker of the calls: what a page's own worker would hold, and counters. A message makes a channel or rotates its key;
 * a transform names its role and channel in its options.
 */
import { enableEncryption } from 'frameseal';
import { openFrames, sealFrames } from 'frameseal/webrtc';

const channels = new Map();
const statuses = [];
const counts = {};

self.onmessage = ({ data }) => {
  if (data.make) channels.set(data.make, enableEncryption(data.config, { framing: 'frame' }));
  if (data.rotate) for (const channel of channels.values()) channel.rotate(data.rotate, { graceMs: 5000 });
  if (data.ask) self.postMessage({ counts, statuses, fingerprints: [...channels.values()].map((c) => c.fingerprint) });
};

self.onrtctransform = ({ transformer }) => {
  const { role, channel: name, startCodes } = transformer.options;
  const channel = channels.get(name);
  const counter = (at) =>
    new TransformStream({
      transform(frame, controller) {
        count(at);
        controller.enqueue(frame);
      },
    });
  const onStatus = (status) => statuses.push({ role, atMs: performance.now(), ...status });
  const run =
    role === 'seal'
      ? sealFrames(startCodes ? withStartCodes(channel, startCodes) : channel, { onStatus })
      : openFrames(startCodes ? countingStartCodes(channel) : channel, { onStatus });
  const out = counter(`${role} out`);
  out.readable.pipeTo(transformer.writable);
  run({
    readable: transformer.readable.pipeThrough(counter(`${role} in`)),
    writable: out.writable,
    generateKeyFrame: () => transformer.generateKeyFrame?.(),
    sendKeyFrameRequest: () => transformer.sendKeyFrameRequest?.(),
  });
};

/** Of SFrame ciphertexts with a start code that are under way: their first bytes, KID and CTR among them. */
const underWay = new Set();
const HEAD_BYTES = 14;
const headOf = (bytes, clear) => String(bytes.subarray(clear, clear + HEAD_BYTES));

function count(name) {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** The channel, but every n-th frame is sealed until its ciphertext holds a start code: once in some thousand times. */
function withStartCodes(channel, every) {
  return {
    framing: channel.framing,
    get keyId() {
      return channel.keyId;
    },
    createSealer() {
      const sealer = channel.createSealer();
      let frames = 0;
      return {
        overhead: sealer.overhead,
        close: () => sealer.close(),
        seal(input, out, length, clear) {
          const wanted = ++frames % every === 0;
          for (let tries = 0; ; tries++) {
            const written = sealer.seal(input, out, length, clear);
            if (!wanted || written < 0 || tries === 100_000) return written;
            if (!hasStartCode(out, clear, written)) continue;
            underWay.add(headOf(out, clear));
            count('start codes');
            return written;
          }
        },
      };
    },
  };
}

/** The channel, but of the frames with a start code it counts those that arrive, the first time, and that open. */
function countingStartCodes(channel) {
  return {
    framing: channel.framing,
    createOpener() {
      const opener = channel.createOpener();
      return {
        close: () => opener.close(),
        open(input, out, length, clear) {
          const isOne = underWay.delete(headOf(input, clear));
          const written = opener.open(input, out, length, clear);
          if (isOne) count('start codes arrived');
          if (isOne && written >= 0) count('start codes opened');
          return written;
        },
      };
    },
  };
}

function hasStartCode(bytes, from, to) {
  for (let i = bytes.indexOf(1, from + 2); i >= 0 && i < to; i = bytes.indexOf(1, i + 1)) {
    if (bytes[i - 1] === 0 && bytes[i - 2] === 0) return true;
  }
  return false;
}
