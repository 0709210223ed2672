/** The calls, and what each must come to. */

const CODECS = ['audio/opus', 'video/VP8', 'video/VP9', 'video/H264', 'video/AV1'];
/** The least share of sent frames that must open; frames under way at the end of a call do not. */
const LEAST_OPENED = 0.99;
/** Decoded frames of those that were opened: a decoder drops late ones. */
const LEAST_DECODED = 0.9;
const REPORTED_WITHIN_MS = 2000;

export const CASES = [
  ...CODECS.map((codec) => ({ name: codec, codec, seconds: 6 })),
  ...CODECS.map((codec) => ({ name: `${codec}, another key`, codec, seconds: 4, wrong: 'key' })),
  { name: 'audio/opus, another context', codec: 'audio/opus', seconds: 3, wrong: 'context' },
  { name: 'video/VP8, another context', codec: 'video/VP8', seconds: 3, wrong: 'context' },
  ...['audio/opus', 'video/VP9', 'video/H264'].map((codec) => ({
    name: `${codec}, rotation`,
    codec,
    seconds: 8,
    rotate: true,
  })),
  { name: 'video/H264, 1080p', codec: 'video/H264', seconds: 8, width: 1920, bitrate: 4_000_000 },
  { name: 'video/VP8, 1080p', codec: 'video/VP8', seconds: 8, width: 1920, bitrate: 4_000_000 },
  { name: 'video/VP9, L1T3', codec: 'video/VP9', seconds: 6, scalability: 'L1T3' },
  { name: 'video/AV1, L1T3', codec: 'video/AV1', seconds: 6, scalability: 'L1T3' },
  {
    name: 'video/H264, start codes in ciphertexts',
    codec: 'video/H264',
    seconds: 40,
    startCodes: 3,
    bitrate: 2_000_000,
  },
];

export function longCall(minutes) {
  const name = `video/H264, ${minutes} minutes at 4 Mbit/s`;
  return { name, codec: 'video/H264', seconds: 60 * minutes, width: 1280, bitrate: 4_000_000 };
}

/** What is wrong with a call, in words. */
export function faultsOf({ codec, wrong, startCodes }, { failed, skipped, counts = {}, statuses = [], stats = {} }) {
  if (failed !== undefined) return [failed];
  if (skipped !== undefined) return [];
  const { 'seal in': sent = 0, 'seal out': sealed = 0, 'open in': arrived = 0, 'open out': opened = 0 } = counts;
  const faults = [];
  const must = (holds, fault) => void (holds || faults.push(fault));
  must(sent > 20, `only ${sent} frames were sent`);
  must(sealed === sent, `${sealed} of ${sent} frames were sealed`);
  if (wrong === undefined) {
    must(opened >= LEAST_OPENED * sealed - 3, `${opened} of ${sealed} sealed frames were opened`);
    if (codec.startsWith('video'))
      must(stats.framesDecoded >= LEAST_DECODED * opened - 3, `${stats.framesDecoded} decoded`);
    else must(stats.totalAudioEnergy > 0, 'nothing was played');
    if (startCodes) {
      const { 'start codes arrived': came = 0, 'start codes opened': openedCodes = 0 } = counts;
      must(came > 0, 'no ciphertext with a start code arrived');
      must(openedCodes === came, `${openedCodes} of ${came} frames with a start code were opened`);
    }
    return faults;
  }
  must(arrived > 0, 'no frame arrived');
  must(opened === 0, `${opened} frames opened`);
  must(!stats.framesDecoded, `${stats.framesDecoded} frames were decoded`);
  must(!stats.totalAudioEnergy, 'something was played');
  const mismatch = statuses.find((each) => each.mismatch);
  const first = statuses[0];
  must(mismatch !== undefined, 'a mismatch was not reported');
  if (mismatch)
    must(mismatch.atMs - first.atMs < REPORTED_WITHIN_MS, `reported after ${mismatch.atMs - first.atMs} ms`);
  return faults;
}

export function lineOf({ name, skipped, failed, counts = {}, statuses = [], stats = {} }) {
  if (skipped !== undefined) return `${name}: ${skipped}`;
  if (failed !== undefined) return name;
  const parts = [
    `${counts['seal in'] ?? 0} sent`,
    `${counts['open in'] ?? 0} arrived`,
    `${counts['open out'] ?? 0} opened`,
  ];
  if (stats.framesDecoded !== undefined)
    parts.push(`${stats.framesDecoded} decoded, ${stats.keyFramesDecoded} key frames`);
  if (stats.frameWidth !== undefined) parts.push(`${stats.frameWidth} wide`);
  if (stats.totalAudioEnergy !== undefined) parts.push(stats.totalAudioEnergy > 0 ? 'played' : 'silent');
  if (counts['start codes'] !== undefined) {
    const { 'start codes': made, 'start codes arrived': came = 0, 'start codes opened': openedCodes = 0 } = counts;
    parts.push(`start codes in ${made}, of which ${came} arrived and ${openedCodes} opened`);
  }
  const dropped = new Map();
  for (const { status, frames } of statuses) if (status < 0) dropped.set(status, (dropped.get(status) ?? 0) + frames);
  for (const [status, frames] of dropped) parts.push(`status ${status} for ${frames}`);
  return `${name}: ${parts.join(', ')}`;
}
