/**
 * `npm run test:recording`: recordings that real tools make and read. Runs in a network namespace of its own, as root, with nothing but
 * loopback; installs missing tools on Debian.
 *
 *     GStreamer -> loopback -> tcpdump, dumpcap, tshark -> frameseal seal -> tshark -> frameseal open -> the same file
 *
 * Every link type comes from a writer, and from text2pcap. With --megabytes N it measures a capture of that size (default 200).
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inTemporaryDirectory, needTools, run } from '../e2e/tools.mjs';
import { captures } from './captures.js';
import { linkTypes } from './links.js';
import { measure } from './measure.js';
import { say } from './tools.js';

const TOOLS = {
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  dumpcap: 'wireshark-common',
  text2pcap: 'wireshark-common',
  editcap: 'wireshark-common',
  mergecap: 'wireshark-common',
  'gst-launch-1.0': 'gstreamer1.0-tools',
  ethtool: 'ethtool',
  ip: 'iproute2',
};
const PLUGINS = ['gstreamer1.0-plugins-base', 'gstreamer1.0-plugins-good'];
const INSIDE = 'FRAMESEAL_RECORDING_NAMESPACE';
const DEFAULT_MEGABYTES = 200;

if (process.env[INSIDE] === undefined) {
  const pluginsMissing = spawnSync('gst-inspect-1.0', ['rtpvp8pay']).status !== 0;
  const plugins = pluginsMissing ? Object.fromEntries(PLUGINS.map((name) => [`no-such-tool-${name}`, name])) : {};
  needTools({ ...TOOLS, ...plugins }, say);
  const again = [process.execPath, '--import', 'tsx/esm', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const env = { ...process.env, [INSIDE]: '1' };
  const { status, error } = spawnSync('unshare', ['--net', ...again], { env, stdio: 'inherit' });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
} else {
  // Small enough that long datagrams are cut into fragments.
  run('ip', ['link', 'set', 'lo', 'mtu', '1500', 'up']);
  await inTemporaryDirectory(async (file: (name: string) => string) => {
    await captures(file);
    linkTypes(file);
    await measure(file, megabytesArgument());
    say(`all is well; the last file has ${statSync(file('opened')).size} bytes`);
  });
}

function megabytesArgument(): number {
  const at = process.argv.indexOf('--megabytes');
  const megabytes = at < 0 ? DEFAULT_MEGABYTES : Number(process.argv[at + 1]);
  if (!(megabytes > 0)) throw new RangeError('--megabytes takes a number above 0');
  return megabytes;
}
