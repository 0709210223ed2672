/**
 * `npm run e2e:srtp`: SRTP with other people's endpoints, both suites, both ways: libsrtp, GStreamer, rtpengine, werift-rtp.
 * Installs from Debian what it lacks. All traffic stays on loopback.
 */
import { spawnSync } from 'node:child_process';
import { gstreamer } from './srtp/gstreamer.mjs';
import { libsrtp, PYTHON } from './srtp/libsrtp.mjs';
import { SUITES } from './srtp/packets.mjs';
import { rtpengine } from './srtp/rtpengine.mjs';
import { werift } from './srtp/werift.mjs';
import { installPackages, inTemporaryDirectory, step, withoutServices } from './tools.mjs';

const PEERS = { libsrtp, 'werift-rtp': werift, GStreamer: gstreamer, rtpengine };

/** Debian packages, each with a command that fails where it is not there. */
const NEEDED = [
  ['python3-pylibsrtp', PYTHON, '-c', 'import pylibsrtp'],
  ['gstreamer1.0-tools', 'gst-launch-1.0', '--version'],
  ['gstreamer1.0-plugins-base', 'gst-inspect-1.0', 'audiotestsrc'],
  ['gstreamer1.0-plugins-good', 'gst-inspect-1.0', 'rtppcmapay'],
  ['gstreamer1.0-plugins-bad', 'gst-inspect-1.0', 'srtpenc'],
  ['rtpengine-daemon', 'rtpengine', '--version'],
];
const missing = NEEDED.filter(([, command, ...args]) => spawnSync(command, args).status !== 0).map(([name]) => name);
if (missing.length > 0) withoutServices(() => installPackages(missing));

await inTemporaryDirectory(async (file) => {
  for (const [name, peer] of Object.entries(PEERS)) {
    for (const suite of SUITES) {
      const done = await peer(suite, file);
      if (done !== undefined) step(`${name}, ${suite}: ${done}`);
    }
  }
});
