/**
 * Seals without end, until it is killed: for processes.ts. Its parent sends a configuration; stdout carries
 * the length of a frame in one byte, and the frame. Sealers and channels are replaced all the time.
 */
import { once } from 'node:events';
import { enableEncryption } from 'frameseal';

/** All payloads are equal, so that equal keys and nonces make equal ciphertexts. */
const PAYLOAD = new Uint8Array(16);
const BATCH = 16;
const FRAMES_PER_SEALER = 128;
const SEALERS_PER_CHANNEL = 3;

const inputs = Array(BATCH).fill(PAYLOAD);
const outs = inputs.map(() => new Uint8Array(PAYLOAD.length + 29));
const results = new Int32Array(BATCH);

/** The frames of one sealer: alone, in batches, and refused now and then. */
function sealerFrames(sealer) {
  const frames = [];
  const keep = (result, out) => {
    if (result >= 0) frames.push(Uint8Array.of(result), out.slice(0, result));
  };
  while (frames.length < 2 * FRAMES_PER_SEALER) {
    keep(sealer.seal(PAYLOAD, outs[0]), outs[0]);
    keep(sealer.seal(PAYLOAD, outs[0].subarray(9)), outs[0]);
    const cramped = frames.length % BATCH;
    const room = outs.map((out, i) => (i === cramped ? out.subarray(0, 20) : out));
    sealer.sealBatch(inputs, room, results);
    for (let i = 0; i < BATCH; i++) keep(results[i], outs[i]);
  }
  return Buffer.concat(frames);
}

process.send('ready');
const [config] = await once(process, 'message');
for (;;) {
  // Neither is closed: a process that ends in the middle closes nothing.
  const channel = enableEncryption(config, { framing: 'frame' });
  for (let i = 0; i < SEALERS_PER_CHANNEL; i++) {
    if (!process.stdout.write(sealerFrames(channel.createSealer()))) await once(process.stdout, 'drain');
  }
}
