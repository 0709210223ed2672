/**
 * Attackers, and what media loses to them:
 *
 *     strangers   packets from a source that `from` does not allow, as many as one process sends, up to 100,000 a second
 *     mirror      all that a gateway sealed comes back to it from its peer's address: with roles, and without
 *
 * The crowd at the HTTP port is in services.mjs.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, start } from '../e2e/tools.mjs';
import { at, CLI, dropsAt, Gateway, HOST, ROOT, rtp, step } from './media.mjs';

const STRANGER = '127.0.0.2';
const PYTHON = '/usr/bin/python3';
const GOOD_PER_SECOND = 500;
const PHASE_SECONDS = 10;
const FLOODS = [20_000, 50_000, 100_000];
const SETTLE_MS = 500;
const MIRRORED = 200;
const [INSIDE, OUTSIDE, PEER] = [16_300, 16_310, 16_320];
const [MIRROR_INSIDE, MIRROR_OUTSIDE, MIRROR_PEER] = [16_330, 16_340, 16_350];
const TICK_MS = 4;

export async function attack(file) {
  run(process.execPath, [CLI, 'keygen', '--out', file('key.json')]);
  const gateway = new Gateway(file('gateway.yaml'));
  const side = (listen, peer, more) => ({ listen: at(listen), peer: at(peer), rtcpPort: 'mux', ...more });
  gateway.write({
    channels: { roles: { file: 'key.json', role: 'a' }, plain: { file: 'key.json', context: 'no roles' } },
    routes: [
      { name: 'roles', inside: side(INSIDE, 9, { clear: true }), outside: side(OUTSIDE, PEER, { channel: 'roles' }) },
      {
        name: 'plain',
        inside: side(MIRROR_INSIDE, 9, { clear: true }),
        outside: side(MIRROR_OUTSIDE, MIRROR_PEER, { channel: 'plain' }),
      },
    ],
  });
  await gateway.start();
  const [peer, mirror, phone] = await Promise.all([PEER, MIRROR_PEER, 0].map(socketAt));
  await strangers(gateway, phone, peer);
  peer.on('message', (packet) => peer.send(packet, OUTSIDE, HOST));
  mirror.on('message', (packet) => mirror.send(packet, MIRROR_OUTSIDE, HOST));
  for (let i = 0; i < MIRRORED; i++) {
    for (const port of [INSIDE, MIRROR_INSIDE]) phone.send(rtp(i), port, HOST);
    await sleep(TICK_MS);
  }
  await sleep(SETTLE_MS);
  const routes = await gateway.stop();
  for (const socket of [peer, mirror, phone]) socket.close();
  for (const { name, outside } of routes) {
    const { ok: opened = 0, ...refused } = outside.in.packets;
    const [expected] = name === 'roles' ? ['BAD_TAG'] : ['OWN_FRAME'];
    step(`mirror: ${name}: ${opened} opened, ${JSON.stringify(refused)}`);
    if (opened !== 0 || refused[expected] !== MIRRORED)
      throw new Error(`mirror: of ${MIRRORED} reflected frames ${opened} were opened: ${JSON.stringify(refused)}`);
  }
}

/** Good media while strangers send: what arrives, and what the gateway's processor time is. */
async function strangers(gateway, phone, peer) {
  let arrived = 0;
  const count = () => arrived++;
  peer.on('message', count);
  for (const perSecond of [0, ...FLOODS, 0]) {
    const flood =
      perSecond > 0
        ? start(
            PYTHON,
            [`${ROOT}test/operating/flood.py`, STRANGER, HOST, INSIDE, perSecond, PHASE_SECONDS].map(String),
          )
        : undefined;
    const [before, drops] = [gateway.usage().cpuSeconds, dropsAt([INSIDE])];
    arrived = 0;
    const sent = await good(phone);
    await flood?.ended;
    const cpu = (gateway.usage().cpuSeconds - before) / PHASE_SECONDS;
    await sleep(SETTLE_MS);
    const dropped = dropsAt([INSIDE]) - drops;
    const bad = flood === undefined ? 0 : Number(flood.output());
    step(
      `strangers: ${Math.round(bad / PHASE_SECONDS)} packets a second: of ${sent} good packets ${sent - arrived} lost; the gateway takes ${(100 * cpu).toFixed(1)} % of a processor; ${dropped} dropped by the system`,
    );
    // A full receive buffer takes no sides. The gateway itself loses nothing.
    if (sent - arrived > dropped)
      throw new Error(`strangers: the gateway lost ${sent - arrived} good packets, the system ${dropped}`);
  }
  peer.off('message', count);
}

/** Sends good media for a phase; returns how much. */
async function good(phone) {
  const startMs = performance.now();
  let sent = 0;
  for (;;) {
    const passedMs = performance.now() - startMs;
    if (passedMs > 1000 * PHASE_SECONDS) return sent;
    while (sent < (passedMs * GOOD_PER_SECOND) / 1000) phone.send(rtp(sent++), INSIDE, HOST);
    await sleep(TICK_MS);
  }
}

async function socketAt(port) {
  const socket = dgram.createSocket('udp4').bind(port, HOST);
  await once(socket, 'listening');
  socket.setRecvBufferSize(4 << 20);
  return socket;
}
