/**
 * Worker threads with a channel each, all under one key at once: no two sealers have the same KID, and one opener opens
 * the frames of all. `node:worker_threads`, which Deno and Bun have too. The file is the program of the threads as well.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { enableEncryption } from 'frameseal';
import { bytes, configOf, equal, equalBytes } from './suite/assert.mjs';

const THREADS = 6;
const SEALERS = 200;
const FRAMES = 3;
const CONFIG = configOf('AES_256_GCM2', { seed: 50 });
const frameOf = (number) => bytes(40 + number, number);

if (!isMainThread && parentPort !== null) parentPort.postMessage(sealFrames());

/** In a thread: the sealed frames of many sealers, in turn. */
function sealFrames() {
  const channel = enableEncryption(CONFIG, { framing: 'frame' });
  const sealers = Array.from({ length: SEALERS }, () => channel.createSealer());
  const frames = Array.from({ length: FRAMES }, (_, i) => sealers.map((sealer) => sealer.sealCopy(frameOf(i)))).flat();
  const senderIds = sealers.map(({ senderId }) => senderId);
  channel.close();
  return { senderIds, frames };
}

/** Runs all threads at once. Returns the number of different senders, and the fault where there is one. */
export async function sealInThreads() {
  try {
    const sealed = await Promise.all(Array.from({ length: THREADS }, inThread));
    const ids = new Set(sealed.flatMap(({ senderIds }) => senderIds));
    equal(ids.size, THREADS * SEALERS, 'different KIDs');
    const channel = enableEncryption(CONFIG, { framing: 'frame', maxSenders: 2 * THREADS * SEALERS });
    const opener = channel.createOpener();
    for (const { frames, senderIds } of sealed) {
      for (const [i, frame] of frames.entries()) {
        equalBytes(opener.openCopy(frame), frameOf(Math.floor(i / SEALERS)), `frame ${i} of a thread`);
        equal(opener.lastSenderId, senderIds[i % SEALERS], 'its sender');
      }
    }
    equal(opener.stats.senders, THREADS * SEALERS, 'senders of the opener');
    channel.close();
    return { senders: ids.size };
  } catch (error) {
    return { senders: 0, fault: String(error) };
  }
}

function inThread() {
  const thread = new Worker(new URL(import.meta.url));
  return new Promise((resolve, reject) => {
    thread.once('message', (message) => {
      resolve(message);
      thread.terminate();
    });
    thread.once('error', reject);
  });
}
