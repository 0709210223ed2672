/** Each failure, one by one: what the gateways say, what their metrics say, and that media goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { encryptTo, newIdentity } from '../../src/cli/dist/fleet/age.js';
import { until } from './servers.mjs';
import { must, RATE, show } from './world.mjs';

const GRACE_MS = 3000;

/** Runs a part while the phones talk; nothing may be lost, unless `mayLose` says which pairs may. */
async function underTraffic(world, title, part, { mayLose = [] } = {}) {
  show(title, 'begins');
  world.traffic.start(RATE);
  await sleep(500);
  try {
    await part();
  } finally {
    await sleep(500);
    const { sent, lost, pairs } = await world.traffic.stop();
    const rest = pairs.reduce((sum, pair, i) => sum + (mayLose.includes(i) ? 0 : pair.lost), 0);
    must(rest === 0, `${title}: ${sent} packets, ${lost} lost, of them ${lost - rest} where it may be`);
  }
}

/** All gateways tell of a trouble; its metrics are there. */
async function allWarn(world, marks, pattern, trouble, gateways = world.gateways) {
  const lines = await Promise.all(gateways.map((gateway) => gateway.warning(pattern, { from: marks.get(gateway) })));
  show('line', lines[0].message);
  for (const gateway of gateways)
    await until(
      async () => (await gateway.metric('frameseal_store_troubles_total', `"${trouble}"`)) > 0,
      `${gateway.name} counts ${trouble}`,
    );
  await allConnected(gateways, 0);
  show(
    'ok',
    `frameseal_store_connected 0, frameseal_store_troubles_total{trouble="${trouble}"} at all ${gateways.length}`,
  );
}

/** Waits for the metric at each gateway: /metrics may be a tenth of a second old. */
function allConnected(gateways, value) {
  return Promise.all(
    gateways.map((gateway) =>
      until(
        async () => (await gateway.metric('frameseal_store_connected{')) === value,
        `${gateway.name} has frameseal_store_connected ${value}`,
      ),
    ),
  );
}

async function allBack(world, marks, gateways = world.gateways) {
  const lines = await Promise.all(
    gateways.map((gateway) =>
      gateway.saw((event) => event.type === 'store', 'the store is back', { from: marks.get(gateway) }),
    ),
  );
  show('line', lines[0].message);
  await allConnected(gateways, 1);
  show('ok', 'frameseal_store_connected 1');
}

export async function storeGone(world, server) {
  await underTraffic(world, 'store gone', async () => {
    const marks = world.marks();
    await server.stop();
    await allWarn(world, marks, /connection to the store is lost|does not answer/, 'gone');
    await sleep(8000);
    const back = world.marks();
    const startMs = performance.now();
    await server.start();
    await allBack(world, back);
    show('from the start of the server until all are back', `${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    await world.settled();
    const done = await world.rotate();
    must(done.code === 0, 'a rotation afterwards');
    await sleep(GRACE_MS + 500);
  });
}

export async function goneAtStart(world, server) {
  show('gone at start', 'begins');
  const [with_, without] = [world.gateways[6], world.gateways[7]];
  await server.stop();
  await Promise.all([with_.stop(), without.stop()]);
  const marks = world.marks();
  await with_.start();
  show('ok', 'a gateway with state starts without the store');
  show('line', (await with_.warning(/does not answer/, { from: marks.get(with_) })).message);
  // The other one has lost its state.
  const { rmSync } = await import('node:fs');
  rmSync(without.state, { recursive: true });
  without.spawn();
  await without.warning(/there are no keys yet/, { from: marks.get(without) });
  show('ok', 'a gateway without state waits, and says why');
  await server.start();
  const ms = await until(
    () => without.events.slice(marks.get(without)).some(({ type }) => type === 'started'),
    'it starts',
  );
  show('from the start of the server until it has keys', `${(ms / 1000).toFixed(1)} s`);
  await world.settled();
  await underTraffic(world, 'after that', () => sleep(1000));
}

/** Gateways that ended on purpose are not waited for, and have the new key when they are back. */
export async function stoppedThroughRotation(world) {
  show('gateways stopped through a rotation', 'begins');
  const stopped = world.gateways.slice(6);
  await Promise.all(stopped.map((gateway) => gateway.stop()));
  const done = await world.rotate();
  must(done.code === 0, `rotate does not wait for them${done.code === 0 ? '' : `: ${done.stderr}`}`);
  await Promise.all(stopped.map((gateway) => gateway.start()));
  await world.settled();
  await underTraffic(world, 'when they are back', () => sleep(1000));
}

export async function offlineThroughRotation(world, relay) {
  const last = world.gateways[7];
  const others = world.gateways.slice(0, 7);
  await underTraffic(
    world,
    'gateway cut off through a rotation',
    async () => {
      const marks = world.marks();
      relay.cut();
      await last.warning(/connection to the store is lost|does not answer/, { from: marks.get(last) });
      const done = await world.rotate('--wait', '2');
      must(
        done.code === 1 && /^frameseal: gw8: do not have the new key/m.test(done.stderr),
        'rotate names it, and puts nothing more',
      );
      show('line', done.stderr.trim().split('\n').at(-1));
      const forced = await world.rotate('--wait', '1', '--resume', '--force');
      must(
        forced.code === 0 && /continues without gw8/.test(forced.stderr),
        'rotate --resume --force continues without it',
      );
      await world.settled(others);
      relay.mend();
      await world.settled();
      must((await last.channel()).keyId === (await others[0].channel()).keyId, 'it has the new key when it is back');
    },
    { mayLose: [3] },
  );
  await underTraffic(world, 'after that', () => sleep(1000));
}

export async function twoRotations(world) {
  await underTraffic(world, 'two rotations in flight', async () => {
    const both = await Promise.all([world.rotate(), world.rotate()]);
    const told = both.find(({ code }) => code === 1);
    must(both.some(({ code }) => code === 0) && told !== undefined, 'one rotates, the other one gets an error');
    show('line', told?.stderr.trim().split('\n').at(-1));
    const first = world.fleet('rotate', '--lead', '4');
    await sleep(2000);
    const second = await world.rotate();
    must(
      second.code === 1 && /is under way since revision/.test(second.stderr),
      'one that begins while another one waits gets an error',
    );
    show('line', second.stderr.trim().split('\n').at(-1));
    must((await first).code === 0, 'the first one ends well');
    await world.noteSecrets();
    await sleep(GRACE_MS + 500);
  });
}

export async function wrongValues(world) {
  await underTraffic(world, 'values that do not decrypt or parse', async () => {
    const { keyset } = await world.head();
    const recipients = [world.operator.recipient, ...Object.values(keyset.gateways)];
    const stranger = await newIdentity();
    for (const [what, value, pattern] of [
      [
        'encrypted to others',
        await encryptTo([stranger.recipient], JSON.stringify(keyset)),
        /it is encrypted to others/,
      ],
      ['no age file', Buffer.from(JSON.stringify({ version: 1, keys: [] })), /damaged, or no age file/],
      ['no JSON', await encryptTo(recipients, '{"version":1,'), /not right JSON: line 1/],
      [
        'no keyset',
        await encryptTo(recipients, JSON.stringify({ ...keyset, keys: [{ ...keyset.keys[0], encryptionKey: 'abc' }] })),
        /keys\[0\]: encryptionKey/,
      ],
    ]) {
      const marks = world.marks();
      await world.putRaw(value);
      await allWarn(world, marks, pattern, 'unreadable');
      const back = world.marks();
      await world.putKeyset(keyset);
      await allBack(world, back);
      show('ok', `${what}: kept, told, counted, and over with the next keyset`);
    }
  });
}

export async function storeWiped(world, server) {
  await underTraffic(world, 'store wiped', async () => {
    const ended = (await world.head()).keyset;
    await world.rotate();
    await sleep(GRACE_MS + 500);
    const marks = world.marks();
    await server.setBack();
    await allWarn(world, marks, /the bucket frameseal does not exist/, 'missing');
    const { keyId } = await world.gateways[0].channel();
    const back = world.marks();
    // An operator begins anew with the key that has ended: no gateway takes it.
    const { gateways } = ended;
    await world.fleet('init');
    const fresh = await world.head();
    await world.putKeyset({ ...fresh.keyset, gateways, keys: ended.keys });
    await Promise.all(
      world.gateways.map((gateway) => gateway.warning(/lists a key that has ended/, { from: back.get(gateway) })),
    );
    const channels = await Promise.all(world.gateways.map((gateway) => gateway.channel()));
    must(
      channels.every((channel) => channel.keyId === keyId && channel.liveKeyIds.length === 1),
      'a key that has ended does not come back',
    );
    show(
      'line',
      (await world.gateways[0].warning(/lists a key that has ended/, { from: back.get(world.gateways[0]) })).message,
    );
    world.wiped = { gateways, keyset: fresh.keyset };
  });
  // Where all is lost, all change over at once: packets in between may not open.
  await world.putKeyset({ ...world.wiped.keyset, gateways: world.wiped.gateways });
  await world.noteSecrets();
  await world.settled();
  await underTraffic(world, 'after a new beginning', () => sleep(1000));
}

export async function storeSetBack(world, server) {
  await world.settled();
  await server.backUp('backup');
  await world.settled();
  await world.rotate();
  await sleep(GRACE_MS + 500);
  const { keyId } = await world.gateways[0].channel();
  await underTraffic(world, 'store set back', async () => {
    const marks = world.marks();
    await server.setBack('backup');
    await allWarn(world, marks, /the store was set back: it has revision/, 'rolled-back');
    const channels = await Promise.all(world.gateways.map((gateway) => gateway.channel()));
    must(
      channels.every((channel) => channel.keyId === keyId && channel.liveKeyIds.length === 1),
      'the key in use stays, the one that has ended does not come back',
    );
    await until(async () => /rolled-back/.test((await world.fleet('status')).stdout), 'the operator sees it');
    const refused = await world.rotate();
    must(refused.code === 1 && /the store was set back/.test(refused.stderr), 'rotate refuses, and says what to do');
    show('line', refused.stderr.trim().split('\n').at(-1));
  });
  const forced = await world.rotate('--force');
  must(forced.code === 0, `rotate --force begins a new generation${forced.code === 0 ? '' : forced.stderr}`);
  await world.settled();
  await underTraffic(world, 'after that', () => sleep(1000));
}

export async function revoked(world) {
  const last = world.gateways[7];
  await underTraffic(
    world,
    'revoke',
    async () => {
      const marks = world.marks();
      const done = await world.fleet('revoke', 'gw8', '--lead', '2');
      must(done.code === 0, `revoke ends with 0${done.code === 0 ? '' : done.stderr}`);
      await world.noteSecrets();
      const line = await last.warning(/it is encrypted to others/, { from: marks.get(last) });
      show('line of the gateway', line.message);
      const [mine, theirs] = [await last.channel(), await world.gateways[0].channel()];
      must(!mine.liveKeyIds.includes(theirs.keyId), 'a gateway that was revoked cannot read the next keyset');
      await sleep(GRACE_MS + 500);
    },
    { mayLose: [3] },
  );
  const { UNKNOWN_KEY: unknown } = (await world.gateways[6].status()).routes[0].outside.in.packets;
  must(unknown > 0, `what it seals does not open at the others: ${unknown} UNKNOWN_KEY`);
}
