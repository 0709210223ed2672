/** What a page and a worker check without a call: the files of vectors, and frameseal/webrtc between streams. */
import { BAD_TAG, enableEncryption, generateKey, generateSalt } from 'frameseal';
import { verifyVectors } from 'frameseal/vectors';
import { openFrames, sealFrames } from 'frameseal/webrtc';
import channel from '../../fixtures/channel.json';
import gbt32907 from '../../fixtures/gbt32907.json';
import headers from '../../fixtures/headers.json';
import rfc5869 from '../../fixtures/rfc5869.json';
import rfc7714 from '../../fixtures/rfc7714.json';
import rfc9605 from '../../fixtures/rfc9605.json';
import sp80038d from '../../fixtures/sp800-38d.json';

const FILES = { channel, gbt32907, headers, rfc5869, rfc7714, rfc9605, sp80038d };
/** Frames as encoders make them; the one of H.264 has two slices. */
const FRAMES = {
  'audio/opus': [0x78, 1, 2, 3],
  'video/VP8': [0x10, 2, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0, 7, 7, 7],
  'video/VP9': [0x82, 0x49, 0x83, 0x42, 1, 2],
  'video/H264': [0, 0, 0, 1, 0x67, 66, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65, 0x88, 0, 0, 1, 0x65, 9],
  'video/AV1': [0x0a, 3, 1, 2, 3, 0x32, 4, 9, 8, 7, 6],
};
const COPIES = 20;

/** Runs every vector on an engine. */
export function vectorFaults(engine) {
  const faults = [];
  let agreed = 0;
  for (const [name, file] of Object.entries(FILES)) {
    try {
      const report = verifyVectors(JSON.stringify(file), { engine });
      agreed += report.agreed;
      for (const { id } of report.disagreements.slice(0, 1)) faults.push(`${name}: ${id} disagrees`);
    } catch (error) {
      faults.push(`${name}: ${error}`);
    }
  }
  return { agreed, faults };
}

export async function transformFaults() {
  const checks = [
    ...Object.keys(FRAMES).map((mimeType) => [`${mimeType} comes out as it went in`, () => comesBack(mimeType)]),
    ['a wrong key is reported, and nothing passes', wrongKey],
    ['a copy is dropped silently', silentCopy],
    ['a rotation asks for a key frame', keyFrameAfterRotation],
  ];
  const faults = [];
  for (const [name, check] of checks) {
    await check().catch((error) => faults.push(`${name}: ${error.message}`));
  }
  return { checks: checks.length, faults };
}

function channels(...others) {
  const config = { encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
  const made = [config, { ...config, ...others[0] }].map((each) => enableEncryption(each, { framing: 'frame' }));
  return { config, sender: made[0], receiver: made[1] };
}

function frameOf(mimeType) {
  const kind = mimeType.startsWith('video') ? { type: 'delta' } : {};
  return { data: Uint8Array.from(FRAMES[mimeType]).buffer, getMetadata: () => ({ mimeType }), ...kind };
}

/** What comes out of a transform for these frames; `before` is called before each. */
async function through(transform, frames, more = {}, before = () => {}) {
  const out = [];
  const left = [...frames];
  const readable = new ReadableStream({
    pull(controller) {
      before(frames.length - left.length);
      if (left.length > 0) controller.enqueue(left.shift());
      else controller.close();
    },
  });
  await transform({ readable, writable: new WritableStream({ write: (frame) => void out.push(frame) }), ...more });
  return out;
}

async function comesBack(mimeType) {
  const { sender, receiver } = channels();
  const [sealed] = await through(sealFrames(sender), [frameOf(mimeType)]);
  must(String(new Uint8Array(sealed.data)) !== String(FRAMES[mimeType]), 'it was not sealed');
  const [opened] = await through(openFrames(receiver), [sealed]);
  must(String(new Uint8Array(opened?.data ?? [])) === String(FRAMES[mimeType]), 'it came out changed');
}

async function wrongKey() {
  const { sender, receiver } = channels({ encryptionKey: generateKey() });
  const sealed = await through(sealFrames(sender), Array(COPIES).fill('audio/opus').map(frameOf));
  const told = [];
  const opened = await through(openFrames(receiver, { onStatus: (status) => told.push(status) }), sealed);
  must(opened.length === 0, `${opened.length} frames passed`);
  must(told.length === 2 && told.every(({ status }) => status === BAD_TAG), `told: ${JSON.stringify(told)}`);
  must(told[1].mismatch, 'the mismatch was not told');
}

async function silentCopy() {
  const { sender, receiver } = channels();
  const [sealed] = await through(sealFrames(sender), [frameOf('video/VP9')]);
  const copy = { ...sealed, data: sealed.data.slice(0) };
  let told = 0;
  const opened = await through(openFrames(receiver, { onStatus: () => told++ }), [sealed, copy]);
  must(opened.length === 1 && told === 0, `${opened.length} frames passed, told ${told} times`);
}

async function keyFrameAfterRotation() {
  const { config, sender } = channels();
  let asked = 0;
  const generateKeyFrame = async () => void asked++;
  const rotate = (at) => {
    if (at === 2) sender.rotate({ ...config, encryptionKey: generateKey(), keyId: 1 });
  };
  const frames = Array(6).fill('video/VP9').map(frameOf);
  const sealed = await through(sealFrames(sender), frames, { generateKeyFrame }, rotate);
  sender.close();
  must(sealed.length === frames.length && asked === 1, `${sealed.length} frames sealed, asked ${asked} times`);
}

function must(holds, fault) {
  if (!holds) throw new Error(fault);
}
