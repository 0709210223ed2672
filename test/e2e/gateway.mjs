/**
 * `npm run e2e:gateway`: calls of GStreamer's rtpbin with AVPF through gateways of one two-way route each.
 *
 *     picture   VP8 one way: frames byte for byte, receiver reports and a PLI back to the sender
 *     loss      the same over a network that drops every twentieth packet: NACK and PLI reach the sender
 *     srtp      VP8 both ways; one end speaks SRTP to its gateway, with a suite for each direction
 *     sm4       VP8 both ways; an old gateway seals with SM4, and a bridge takes that to AES_256_GCM2
 *
 * GStreamer's jitter buffer asks (NACK) for packets that it expects too early as well: on a clean path NACKs are no loss.
 * Installs from Debian what it lacks. All traffic stays on loopback.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Network } from './gateway/network.mjs';
import { installPackages, inTemporaryDirectory, run, start, step, until } from './tools.mjs';

const CLI = new URL('../../src/cli/dist/main.js', import.meta.url).pathname;
const PHONE = new URL('./gateway/phone.py', import.meta.url).pathname;
/** Debian's, which has Debian's modules. */
const PYTHON = '/usr/bin/python3';
const FRAMES = 150;
const SECONDS = 20;
/** With loss, frames are missing: the receiver waits no longer. */
const LOSS_SECONDS = 9;
const PICTURE_AT_MS = 1500;
const DROP_EVERY = 20;
/** Of each call: the phones, the insides and outsides of their gateways, and what is between these. Each has the next port too. */
const PORTS = { a: 15_700, aIn: 15_710, aOut: 15_720, mid: 15_730, midB: 15_740, bOut: 15_750, bIn: 15_760, b: 15_770 };
const SSRC = { a: 0x1111_1111, b: 0x2222_2222 };
const SUITES = {
  'aes-128-gcm': { suite: 'AEAD_AES_128_GCM', keyBytes: 16 },
  'aes-256-gcm': { suite: 'AEAD_AES_256_GCM', keyBytes: 32 },
};

const NEEDED = [
  ['gstreamer1.0-tools', 'gst-launch-1.0', '--version'],
  ['gstreamer1.0-plugins-base', 'gst-inspect-1.0', 'videotestsrc'],
  ['gstreamer1.0-plugins-good', 'gst-inspect-1.0', 'rtpbin'],
  ['gstreamer1.0-plugins-good', 'gst-inspect-1.0', 'vp8enc'],
  ['gstreamer1.0-plugins-bad', 'gst-inspect-1.0', 'srtpenc'],
  ['python3-gi', PYTHON, '-c', 'import gi'],
  ['gir1.2-gstreamer-1.0', PYTHON, '-c', 'import gi; gi.require_version("Gst", "1.0")'],
];
const missing = new Set(
  NEEDED.filter(([, command, ...args]) => spawnSync(command, args).status !== 0).map(([name]) => name),
);
if (missing.size > 0) installPackages([...missing]);

const at = (port) => `127.0.0.1:${port}`;
const clear = (listen, peer) => ({ listen: at(listen), peer: at(peer), clear: true });
const sealed = (listen, peer, channel = 'studio') => ({ listen: at(listen), peer: at(peer), channel, rtcpPort: 'mux' });
const studio = (role) => ({ studio: { file: 'studio.json', context: 'room 7', role } });

await inTemporaryDirectory(async (file) => {
  const keygen = (name, ...more) => run(process.execPath, [CLI, 'keygen', '--out', file(name), ...more]);
  keygen('studio.json');
  keygen('old.json', '--mode', 'SM4_128_ECB');
  await picture(file);
  await loss(file);
  await srtp(file);
  await sm4(file);
});

async function picture(file) {
  const gateways = await twoGateways(file, PORTS.bOut, PORTS.aOut);
  const [a, b] = await call({ a: { frames: FRAMES }, b: { frames: 0, wants: FRAMES, pliAtMs: [PICTURE_AT_MS] } });
  await end(gateways);
  same('picture', a.sent, b.received);
  arrived('picture', a, ['RR', 'PLI']);
  if (a.packets > 0) throw new Error(`picture: the receiver reports ${a.packets} packets lost`);
  step(`picture: ${FRAMES} frames, 0 lost, byte for byte; at the sender ${JSON.stringify(a.reports)}`);
}

async function loss(file) {
  const network = await Network.open(
    { listen: PORTS.mid, to: PORTS.bOut },
    { listen: PORTS.midB, to: PORTS.aOut },
    DROP_EVERY,
  );
  const gateways = await twoGateways(file, PORTS.mid, PORTS.midB);
  const [a, b] = await call({ a: { frames: FRAMES }, b: { frames: 0, seconds: LOSS_SECONDS } });
  await end(gateways);
  network.close();
  arrived('loss', a, ['RR', 'NACK', 'PLI']);
  if (!(a.packets > 0)) throw new Error('loss: the receiver reports no loss');
  const { dropped, passed } = network;
  step(
    `loss: ${dropped} of ${dropped + passed} media packets dropped, ${b.received.length} frames arrived; at the sender ${JSON.stringify(a.reports)}`,
  );
}

async function srtp(file) {
  const keys = { send: srtpKey('aes-128-gcm'), receive: srtpKey('aes-256-gcm') };
  // What the phone sends, its gateway receives.
  for (const [name, { key, cipher }] of Object.entries(keys)) {
    const { suite, keyBytes } = SUITES[cipher];
    const [masterKey, masterSalt] = [key.slice(0, 2 * keyBytes), key.slice(2 * keyBytes)];
    writeFileSync(file(`${name}.json`), JSON.stringify({ suite, masterKey, masterSalt }), { mode: 0o600 });
  }
  const inside = { listen: at(PORTS.aIn), peer: at(PORTS.a), srtp: { send: 'receive', receive: 'send' } };
  const near = {
    state: file('state'),
    channels: studio('a'),
    srtp: { send: { file: 'send.json' }, receive: { file: 'receive.json' } },
    routes: [{ name: 'call', inside, outside: sealed(PORTS.aOut, PORTS.bOut) }],
  };
  const gateways = [await gateway(file, 'srtp', near), await gateway(file, 'far', far(PORTS.bOut, PORTS.aOut))];
  const [a, b] = await call({ a: { frames: FRAMES, wants: FRAMES, srtp: keys }, b: { frames: FRAMES, wants: FRAMES } });
  await end(gateways);
  same('srtp to frameseal', a.sent, b.received);
  same('frameseal to srtp', b.sent, a.received);
  for (const phone of [a, b]) arrived('srtp', phone, ['SR']);
  step(`srtp: ${FRAMES} frames each way, 0 lost, byte for byte; at the SRTP end ${JSON.stringify(a.reports)}`);
}

async function sm4(file) {
  const channels = { old: { file: 'old.json', rtcp: 'clear' } };
  const old = (listen, peer) => ({ ...sealed(listen, peer, 'old'), clearRtcp: 'forward' });
  const phones = { name: 'phones', inside: clear(PORTS.aIn, PORTS.a), outside: old(PORTS.aOut, PORTS.mid) };
  const bridge = { name: 'bridge', inside: old(PORTS.mid, PORTS.aOut), outside: sealed(PORTS.midB, PORTS.bOut) };
  const gateways = [
    await gateway(file, 'old', { channels, routes: [phones] }),
    await gateway(file, 'bridge', { channels: { ...channels, ...studio('a') }, routes: [bridge] }),
    await gateway(file, 'far', far(PORTS.bOut, PORTS.midB)),
  ];
  const [a, b] = await call({ a: { frames: FRAMES, wants: FRAMES }, b: { frames: FRAMES, wants: FRAMES } });
  await end(gateways);
  same('sm4 to GCM2', a.sent, b.received);
  same('GCM2 to sm4', b.sent, a.received);
  for (const phone of [a, b]) arrived('sm4', phone, ['SR']);
  step(`sm4: ${FRAMES} frames each way, 0 lost, byte for byte; at the old end ${JSON.stringify(a.reports)}`);
}

async function twoGateways(file, peerOfA, peerOfB) {
  const route = { name: 'call', inside: clear(PORTS.aIn, PORTS.a), outside: sealed(PORTS.aOut, peerOfA) };
  const near = { channels: studio('a'), routes: [route] };
  return [await gateway(file, 'near', near), await gateway(file, 'far', far(PORTS.bOut, peerOfB))];
}

function far(listen, peer) {
  const route = { name: 'call', inside: clear(PORTS.bIn, PORTS.b), outside: sealed(listen, peer) };
  return { channels: studio('b'), routes: [route] };
}

/** A gateway that listens. JSON is YAML. */
async function gateway(file, name, config) {
  writeFileSync(file(`${name}.yaml`), JSON.stringify(config));
  const program = start(process.execPath, [CLI, 'gateway', file(`${name}.yaml`), '--log', 'json']);
  await until(program, /"type":"route-opened"/);
  return program;
}

/** Ends gateways. Throws where one refused a packet, or did not send one. */
async function end(gateways) {
  for (const { child, ended, output } of gateways) {
    child.kill('SIGTERM');
    if ((await ended) !== 0) throw new Error(`a gateway ended with ${child.exitCode}: ${output().slice(-1000)}`);
    const { routes } = JSON.parse(output().trim().split('\n').at(-1));
    for (const side of routes.flatMap(({ inside, outside }) => [inside, outside])) {
      const { ok: _in, ...refused } = side.in.packets;
      const { ok: _out, ...unsent } = side.out.packets;
      const lost = { ...refused, ...unsent, ...side.sendErrors };
      const { sourceRefused, overruns, kernelDrops } = side;
      if (Object.keys(lost).length > 0 || sourceRefused + overruns + kernelDrops > 0)
        throw new Error(`a gateway lost packets: ${JSON.stringify(side)}`);
    }
  }
}

/** Both phones, until they have what they want. Media begins when both listen. */
async function call(options) {
  const common = { seconds: SECONDS, wants: -1 };
  const a = phone({ ...common, listen: PORTS.a, to: PORTS.aIn, ssrc: SSRC.a, ...options.a });
  const b = phone({ ...common, listen: PORTS.b, to: PORTS.bIn, ssrc: SSRC.b, ...options.b });
  for (const program of [a, b]) await until(program, /playing/);
  if (options.b.frames > 0) b.child.kill('SIGUSR1');
  a.child.kill('SIGUSR1');
  await b.ended;
  if (options.a.wants === undefined) a.child.kill('SIGTERM');
  await a.ended;
  return [a, b].map(({ child, output }) => {
    if (child.exitCode !== 0) throw new Error(`a phone ended with ${child.exitCode}: ${output().slice(-1000)}`);
    return JSON.parse(output().trim().split('\n').at(-1));
  });
}

function phone(options) {
  return start(PYTHON, [PHONE, JSON.stringify(options)]);
}

function same(what, sent, received) {
  const equal = sent.filter((hash, i) => received[i] === hash).length;
  if (sent.length !== FRAMES || received.length !== FRAMES || equal !== FRAMES)
    throw new Error(`${what}: ${sent.length} frames sent, ${received.length} arrived, ${equal} are the same`);
}

function arrived(what, { reports }, kinds) {
  const absent = kinds.filter((kind) => !(reports[kind] > 0));
  if (absent.length > 0)
    throw new Error(`${what}: no ${absent.join(', ')} reached the sender: ${JSON.stringify(reports)}`);
}

function srtpKey(cipher) {
  return { cipher, key: randomBytes(SUITES[cipher].keyBytes + 12).toString('hex') };
}
