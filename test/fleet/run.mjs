/**
 * `npm run test:fleet`: gateways that share keys by real nats-servers, on loopback: eight gateway processes in four pairs,
 * 2,000 RTP packets a second, one server with TLS and a cluster of three, and every failure of docs/fleet.md one by one.
 *
 *     node test/fleet/run.mjs [one] [cluster] [scale]      parts of it
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages, inTemporaryDirectory, withoutServices } from '../e2e/tools.mjs';
import {
  goneAtStart,
  offlineThroughRotation,
  revoked,
  stoppedThroughRotation,
  storeGone,
  storeSetBack,
  storeWiped,
  twoRotations,
  wrongValues,
} from './failures.mjs';
import { followReports, putToSeen, rotationUnderTraffic } from './measured.mjs';
import { thousandGateways } from './scale.mjs';
import { searchForKeys } from './secrets.mjs';
import { clusterOf, makeCertificates, Relay, Server, until } from './servers.mjs';
import { must, RATE, show, USERS, verdict, World } from './world.mjs';

const [ONE, RELAY, CLUSTER, SCALE] = [24_222, 24_322, 24_522, 24_822];
const PORTS = 25_000;
const PARTS = ['one', 'cluster', 'scale'];
const parts = process.argv.slice(2);
const unknown = parts.find((part) => !PARTS.includes(part));
if (unknown !== undefined) throw new Error(`there is no part ${unknown}; the parts are ${PARTS.join(', ')}`);
const wants = (part) => parts.length === 0 || parts.includes(part);

if (spawnSync('which', ['nats-server']).status !== 0)
  withoutServices(() => installPackages(['nats-server'], (text) => show('tools', text)));

await inTemporaryDirectory(async (file) => {
  const certificates = makeCertificates(file('ca'));
  if (wants('one')) await oneServer(file('one'), certificates);
  if (wants('cluster')) await threeServers(file('cluster'), certificates);
  if (wants('scale')) await thousandGateways(file('scale'), SCALE);
});
if (verdict() > 0) throw new Error(`${verdict()} checks failed`);
show('all parts', 'well');

async function oneServer(folder, certificates) {
  const server = new Server(folder, 'one', { port: ONE, certificates, users: USERS });
  await server.start();
  const relay = await Relay.open(RELAY, ONE);
  const serversOf = (i) => [`tls://127.0.0.1:${i === 7 ? RELAY : ONE}`];
  const world = await World.open(folder, { serversOf, ca: certificates.ca, basePort: PORTS, replicas: 1 });
  show('one server with TLS, 8 gateways', `${RATE} packets a second between pairs`);
  await gatewaysMayNotWrite(world);
  await rotationUnderTraffic(world);
  await putToSeen(world, 'one server', await followReports(world));
  await storeGone(world, server);
  await goneAtStart(world, server);
  await stoppedThroughRotation(world);
  await offlineThroughRotation(world, relay);
  await twoRotations(world);
  await wrongClocks(world);
  await wrongValues(world);
  await storeSetBack(world, server);
  await storeWiped(world, server);
  await revoked(world);
  await world.close();
  await server.stop('SIGTERM');
  searchForKeys([server.store, join(folder, 'backup')], world.secrets, "the store's files and a backup");
  searchForKeys(
    world.gateways.map(({ state }) => state),
    world.secrets,
    "the gateways' state",
  );
  relay.close();
}

/** A gateway's user can read the bucket, and write its own status alone. */
async function gatewaysMayNotWrite(world) {
  const { Bucket } = await import('../../src/cli/dist/fleet/nats.js');
  const bucket = await Bucket.open(world.gateways[0].settings);
  const refused = async (key) => {
    const error = await bucket.put(key, 'x').catch((thrown) => thrown);
    return error instanceof Error && error.cause === 'refused';
  };
  must(await refused('studio'), "a gateway's user may not write the keyset");
  must(await refused('status.gw2'), "nor another gateway's status");
  await bucket.close();
}

/** Two gateways' clocks are wrong by 30 s, in both directions. */
async function wrongClocks(world) {
  show('clocks 30 s apart', 'begins');
  const [fast, slow] = [world.gateways[2], world.gateways[5]];
  await Promise.all([fast.stop(), slow.stop()]);
  await Promise.all([fast.start(30_000), slow.start(-30_000)]);
  await world.settled();
  await rotationUnderTraffic(world, ['--lead', '2']);
  await Promise.all([fast.stop(), slow.stop()]);
  await Promise.all([fast.start(), slow.start()]);
  await world.settled();
}

async function threeServers(folder, certificates) {
  const servers = clusterOf(folder, { port: CLUSTER, users: USERS, certificates });
  await Promise.all(servers.map((server) => server.start()));
  const urls = servers.map(({ port }) => `tls://127.0.0.1:${port}`);
  await until(
    () => servers.some(({ log }) => /JetStream cluster new metadata leader/.test(log)),
    'the cluster has a leader',
  );
  const world = await World.open(folder, {
    serversOf: () => urls,
    ca: certificates.ca,
    basePort: PORTS + 100,
    replicas: 3,
  });
  show('cluster of three with TLS, 8 gateways', `${RATE} packets a second between pairs`);
  await rotationUnderTraffic(world, ['--lead', '2']);
  await putToSeen(world, 'cluster of three', await followReports(world));
  world.traffic.start(RATE);
  await sleep(500);
  const { keyset } = await world.head();
  const reports = await followReports(world);
  const leader = await leaderOf(servers);
  await leader.stop();
  show('leader killed', `${leader.name}`);
  const ms = await until(
    () =>
      world.putKeyset(keyset).then(
        () => true,
        () => false,
      ),
    'a put is taken',
  );
  show('from the kill until a put is taken', `${(ms / 1000).toFixed(1)} s`);
  await putToSeen(world, 'right after the leader of three was killed', reports);
  const done = await world.rotate();
  must(done.code === 0, `a rotation with two of three servers${done.code === 0 ? '' : done.stderr}`);
  await leader.start();
  await world.settled();
  await sleep(4000);
  const { sent, lost } = await world.traffic.stop();
  must(lost === 0, `the leader of three killed, puts, a rotation: ${sent} packets, ${lost} lost`);
  await world.close();
  for (const server of servers) await server.stop('SIGTERM');
  searchForKeys(
    servers.map(({ store }) => store),
    world.secrets,
    "the three stores' files",
  );
}

/** The server that leads the bucket's stream, as the first one says. */
async function leaderOf([first, ...others]) {
  const { account_details } = await first.monitored('jsz?accounts=true&streams=true');
  const streams = account_details.flatMap(({ stream_detail = [] }) => stream_detail);
  const { leader } = streams.find(({ name }) => name === 'KV_frameseal').cluster;
  return [first, ...others].find(({ name }) => name === leader);
}
