/** What the fleet does when nothing is wrong: a rotation under traffic, and the time from put to seen by all. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Operator } from '../../src/cli/dist/fleet/operator.js';
import { KEY } from './gateways.mjs';
import { until } from './servers.mjs';
import { must, RATE, show } from './world.mjs';

/** A rotation while all phones talk. Returns what the gateways refused meanwhile. */
export async function rotationUnderTraffic(world, args = ['--lead', '10']) {
  world.traffic.start(RATE);
  await sleep(1500);
  const before = await world.refused();
  const marks = world.marks();
  const startMs = Date.now();
  const done = await world.fleet('rotate', ...args);
  await world.noteSecrets();
  must(done.code === 0, `rotate ends with 0${done.code === 0 ? '' : `: ${done.stderr}`}`);
  const { keyId } = (await world.head()).keyset.keys.at(-1);
  const at = await Promise.all(
    world.gateways.map(async (gateway) => {
      const from = marks.get(gateway);
      const opens = await gateway.saw((event) => event.type === 'key-opens' && event.keyId === keyId, 'opens', {
        from,
      });
      const seals = await gateway.saw((event) => event.type === 'key-seals' && event.keyId === keyId, 'seals', {
        from,
      });
      const ended = await gateway.saw((event) => event.type === 'key-ended', 'the old key has ended', { from });
      return { opens: opens.atMs - startMs, seals: seals.atMs - startMs, ended: ended.atMs - startMs };
    }),
  );
  await sleep(1000);
  const { sent, lost } = await world.traffic.stop();
  const refused = grown(await world.refused(), before);
  const last = (what) => `${(Math.max(...at.map((each) => each[what])) / 1000).toFixed(2)} s`;
  show('from rotate to the last gateway that opens with the new key', last('opens'));
  show(`from rotate (${args.join(' ')}) to the last gateway that seals with it`, last('seals'));
  show('from rotate to the last gateway that has wiped the old key', last('ended'));
  must(lost === 0, `${sent} packets at ${RATE} a second, ${lost} lost`);
  must(
    (refused.UNKNOWN_KEY ?? 0) === 0,
    `${refused.UNKNOWN_KEY ?? 0} UNKNOWN_KEY; refused: ${JSON.stringify(refused)}`,
  );
}

function grown(now, before) {
  return Object.fromEntries(
    Object.entries(now).flatMap(([name, count]) =>
      count > (before[name] ?? 0) ? [[name, count - (before[name] ?? 0)]] : [],
    ),
  );
}

const PUTS = 200;

/** The reports of the gateways, as an operator sees them, and a bucket to put into. */
export async function followReports(world) {
  const operator = await Operator.open(world.operator.settings);
  await operator.follow();
  const bucket = await world.bucket();
  return { operator, bucket };
}

/**
 * From the put of a keyset until all gateways use it, by the times in their reports (one machine, one clock), and until the
 * operator has read the last report.
 */
export async function putToSeen(world, what, { bucket, operator }) {
  const { keyset } = await world.head();
  let { revision } = await bucket.get(KEY);
  const times = { used: [], reported: [] };
  for (let i = 0; i < PUTS; i++) {
    const value = await world.encrypted(keyset);
    const startMs = Date.now();
    revision = await bucket.update(KEY, value, revision);
    const all = () => operator.reports.filter(({ revision: has }) => has >= revision);
    await until(() => all().length === world.gateways.length, 'all have it');
    times.reported.push(Date.now() - startMs);
    times.used.push(Math.max(...all().map(({ time }) => Date.parse(time) - startMs)));
  }
  await operator.close();
  await bucket.close();
  const quantile = (list, share) => list.sort((a, b) => a - b)[Math.ceil(share * PUTS) - 1];
  const text = (list) => `p50 ${quantile(list, 0.5)} ms, p99 ${quantile(list, 0.99)} ms`;
  show(`${what}: from put to in use at all 8, ${PUTS} puts`, text(times.used));
  show(`${what}: and read by the operator as reported`, text(times.reported));
}
