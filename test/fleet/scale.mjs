/** A thousand gateways' worth: followers of one store, the sessions that their sealers draw, and what a rotation puts on the store. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { enableEncryption } from 'frameseal';
import { Follower } from '../../src/cli/dist/fleet/follower.js';
import { makeMember, mustFleet } from './gateways.mjs';
import { Server, until } from './servers.mjs';
import { must, show } from './world.mjs';

const GATEWAYS = 1000;
const SITES = 10;
const SEALERS = 8;
const AT_ONCE = 50;

export async function thousandGateways(folder, port) {
  mkdirSync(folder, { recursive: true });
  const password = 'of the test';
  const sites = Array.from({ length: SITES }, (_, i) => `site${i}`);
  const users = [{ name: 'operator', password, isOperator: true }];
  for (let i = 0; i < GATEWAYS; i++) users.push({ name: `${sites[i % SITES]}-${i}`, password, isOperator: false });
  const server = new Server(folder, 'one', { port, users, monitor: port + 1 });
  await server.start();
  const servers = [`nats://127.0.0.1:${port}`];
  const operator = await makeMember(folder, 'operator', { password, servers });
  const file = join(folder, 'fleet.yaml');
  writeFileSync(file, JSON.stringify(operator.settings));
  await mustFleet(file, 'init');
  // The gateways of a site share an identity, so that a keyset has 10 recipients and not 1,000.
  const members = [];
  for (const site of sites) {
    const member = await makeMember(folder, site, { password, servers });
    await mustFleet(file, 'add-gateway', site, member.recipient);
    members.push(member);
  }
  const gateways = users.slice(1).map(({ name }, i) => {
    const credentials = join(folder, `${name}.login`);
    writeFileSync(credentials, JSON.stringify({ user: name, password }), { mode: 0o600 });
    return simulated({ ...members[i % SITES].settings, name, credentials });
  });
  for (let i = 0; i < GATEWAYS; i += AT_ONCE)
    await Promise.all(
      gateways.slice(i, i + AT_ONCE).map(({ follower }) => follower.start().then(() => follower.first())),
    );
  show('gateways that have keys', GATEWAYS);
  const [beforeMs, before] = [performance.now(), await server.traffic()];
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  const quiet = await server.traffic();
  const rates = rate(quiet, before, (performance.now() - beforeMs) / 1000);
  show(
    'store traffic while nothing happens, 1,000 gateways',
    `${rates.in} messages/s and ${rates.inBytes} kB/s in, ${rates.out}/s and ${rates.outBytes} kB/s out`,
  );
  const startMs = performance.now();
  const done = await mustFleet(file, 'rotate', '--lead', '5', '--wait', '120', '--json');
  const seconds = (performance.now() - startMs) / 1000;
  await until(() => gateways.every(({ channel }) => channel.keyId === 1), 'all seal with the new key', 120_000);
  const after = await server.traffic();
  show('a rotation of 1,000 gateways (lead 5 s)', `${seconds.toFixed(1)} s`);
  const own = (what) => after[what] - quiet[what];
  show(
    'store traffic of the rotation',
    `${own('in_msgs')} messages, ${kilo(own('in_bytes'))} kB in; ${own('out_msgs')}, ${kilo(own('out_bytes'))} kB out`,
  );
  const lines = done.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  must(lines.at(-1).event === 'done', 'rotate saw all of them');
  for (const gateway of gateways) gateway.seal();
  const kids = gateways.flatMap((gateway) => gateway.kids);
  must(
    new Set(kids).size === kids.length,
    `${kids.length} sessions of ${GATEWAYS * SEALERS} sealers under two keys: no KID twice`,
  );
  await Promise.all(gateways.map(({ follower }) => follower.stop()));
  await server.stop();
}

const kilo = (bytes) => Math.round(bytes / 1000);

function rate(now, before, seconds) {
  const each = (what) => Math.round((now[what] - before[what]) / seconds);
  return {
    in: each('in_msgs'),
    inBytes: kilo(each('in_bytes')),
    out: each('out_msgs'),
    outBytes: kilo(each('out_bytes')),
  };
}

/** A gateway without sockets: a follower, and a channel with sealers. */
function simulated(settings) {
  const gateway = { kids: [], channel: undefined };
  const [frame, out] = [new Uint8Array(10), new Uint8Array(100)];
  gateway.follower = new Follower({
    settings,
    graceMs: 3000,
    told() {},
    changed({ keys, sealing }) {
      const configs = keys.map(({ sealFrom, ...config }) => config);
      if (gateway.channel === undefined) {
        gateway.channel = enableEncryption(
          configs.find(({ keyId }) => keyId === sealing),
          { framing: 'frame' },
        );
        gateway.sealers = Array.from({ length: SEALERS }, () => gateway.channel.createSealer());
        gateway.seal();
      }
      gateway.channel.holdKeys(configs, sealing);
    },
  });
  gateway.seal = () => {
    for (const sealer of gateway.sealers) {
      sealer.seal(frame, out);
      gateway.kids.push(sealer.senderId);
    }
  };
  return gateway;
}
