/** All targets, in the order in which they take turns. */
import type { Code } from '../code.js';
import { channelTarget } from './channel.js';
import { configTarget } from './config.js';
import { openTarget } from './open.js';
import { recordingTarget } from './recording.js';
import { rtcpTarget, rtpTarget } from './rtp.js';
import { sdesTarget } from './sdes.js';
import { sframeTarget } from './sframe.js';
import { srtpTarget } from './srtp.js';
import type { Target } from './target.js';
import { textTarget } from './text.js';
import { vectorsTarget } from './vectors.js';

const MAKERS = {
  sframe: sframeTarget,
  rtp: rtpTarget,
  rtcp: rtcpTarget,
  config: configTarget,
  text: textTarget,
  recording: recordingTarget,
  vectors: vectorsTarget,
  open: openTarget,
  channel: channelTarget,
  sdes: sdesTarget,
  srtp: srtpTarget,
} as const;

export const TARGET_NAMES: readonly string[] = Object.keys(MAKERS);

/** The targets of these names, for a copy of the code. */
export function makeTargets(code: Code, names: readonly string[] = TARGET_NAMES): Target[] {
  return names.map((name) => MAKERS[name as keyof typeof MAKERS](code));
}
