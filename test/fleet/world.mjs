/** Eight gateways in four pairs, an operator, and the phones; on one server or on a cluster. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decryptWith, encryptTo, readIdentity } from '../../src/cli/dist/fleet/age.js';
import { Bucket } from '../../src/cli/dist/fleet/nats.js';
import { fleet, GatewayUnderTest, KEY, makeMember, mustFleet } from './gateways.mjs';
import { until } from './servers.mjs';
import { Traffic } from './traffic.mjs';

export const RATE = 2000;
const COUNT = 8;
const PASSWORD = 'of the test';

export const USERS = [
  { name: 'operator', password: PASSWORD, isOperator: true },
  ...Array.from({ length: COUNT }, (_, i) => ({ name: `gw${i + 1}`, password: PASSWORD, isOperator: false })),
];

let failures = 0;

const line = (text) => process.stdout.write(`fleet ${(performance.now() / 1000).toFixed(0).padStart(4)} s: ${text}\n`);

/** Prints a figure. */
export function show(what, value) {
  line(`${what}: ${value}`);
}

/** Prints whether something is as it must be; a failure ends the run with exit code 1. */
export function must(holds, what) {
  if (!holds) failures++;
  line(`${holds ? 'ok' : 'FAILED'}: ${what}`);
}

export function verdict() {
  return failures;
}

export class World {
  gateways = [];
  /** Everything that was a key at some time: what must not be in the store. */
  secrets = new Set();

  /** `serversOf(i)`: the store as gateway number i sees it; the operator is number -1. */
  static async open(folder, { serversOf, ca, basePort, replicas }) {
    const world = new World();
    world.folder = folder;
    const member = (name, i) => makeMember(folder, name, { password: PASSWORD, servers: serversOf(i), ca });
    world.operator = await member('operator', -1);
    world.operatorFile = join(folder, 'fleet.yaml');
    writeFileSync(world.operatorFile, JSON.stringify(world.operator.settings));
    await mustFleet(world.operatorFile, 'init', '--replicas', String(replicas));
    const ports = (i) => ({ port: basePort + 4 * i, phonePort: basePort + 4 * i + 2 });
    for (let i = 0; i < COUNT; i++) {
      const each = await member(`gw${i + 1}`, i);
      await mustFleet(world.operatorFile, 'add-gateway', each.name, each.recipient);
      const peerPort = ports(i ^ 1).port + 1;
      world.gateways.push(new GatewayUnderTest(folder, each, { ...ports(i), peerPort, role: i % 2 === 0 ? 'a' : 'b' }));
    }
    await Promise.all(world.gateways.map((gateway) => gateway.start()));
    const pairs = [0, 2, 4, 6].map((i) => [world.gateways[i], world.gateways[i + 1]]);
    world.traffic = new Traffic(pairs);
    await world.traffic.open();
    await world.noteSecrets();
    return world;
  }

  async close() {
    this.traffic.close();
    await Promise.all(this.gateways.map((gateway) => gateway.stop().catch(() => {})));
  }

  fleet(...args) {
    return fleet(this.operatorFile, ...args);
  }

  /** A rotation with a short lead, and the keys noted. */
  async rotate(...args) {
    const done = await this.fleet('rotate', '--lead', '2', ...args);
    await this.noteSecrets();
    return done;
  }

  async bucket() {
    return Bucket.open(this.operator.settings);
  }

  async #withBucket(action) {
    const bucket = await this.bucket();
    try {
      return await action(bucket);
    } finally {
      await bucket.close();
    }
  }

  /** Revision and keyset as the operator reads them. */
  async head() {
    const entry = await this.#withBucket((bucket) => bucket.get(KEY));
    const { key } = await readIdentity(readFileSync(this.operator.settings.identity, 'utf8'));
    return { ...entry, keyset: JSON.parse(await decryptWith(key, entry.value)) };
  }

  async noteSecrets() {
    for (const { encryptionKey, encryptionKdfSalt } of (await this.head()).keyset.keys) {
      this.secrets.add(encryptionKey);
      this.secrets.add(encryptionKdfSalt);
    }
  }

  /** Puts a value as the operator, whatever it is; returns the revision. */
  putRaw(value) {
    return this.#withBucket(async (bucket) => {
      const { revision } = await bucket.get(KEY);
      return bucket.update(KEY, value, revision);
    });
  }

  /** Puts a keyset to all recipients of it. */
  async putKeyset(keyset) {
    return this.putRaw(await this.encrypted(keyset));
  }

  encrypted(keyset) {
    return encryptTo([this.operator.recipient, ...Object.values(keyset.gateways)], JSON.stringify(keyset));
  }

  /** Waits until every gateway, or these, seal with the key of the head. */
  async settled(gateways = this.gateways) {
    const { revision } = await this.head();
    await until(
      async () =>
        (await Promise.all(gateways.map((each) => each.channel()))).every(
          ({ store }) => store.revision >= revision && store.state === 'connected',
        ),
      `all have revision ${revision}`,
    );
  }

  /** What the gateways refused, summed by status. */
  async refused() {
    const sum = {};
    for (const gateway of this.gateways) {
      const { routes } = await gateway.status();
      for (const [status, count] of Object.entries(routes[0].outside.in.packets))
        if (status !== 'ok') sum[status] = (sum[status] ?? 0) + count;
    }
    return sum;
  }

  /** How many lines each log has now. */
  marks() {
    return new Map(this.gateways.map((gateway) => [gateway, gateway.events.length]));
  }
}
