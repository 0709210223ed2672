/**
 * The operating run: two gateways, 8 routes, 5,000 packets a second over a network that loses 1 %, delays 2 % and damages
 * 0.5 %, while an operator works (operator.mjs):
 *
 *     every 20 s   a reload of both that changes one route, removes one and adds one
 *     every 30 s   a new key, and a reload of both
 *     once         kill -9 of the sealing gateway, and its restart
 *
 * At the end each packet that was sent has one fate, and the counters of both gateways agree with the fates.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { dropsAt, prefer, step } from '../media.mjs';
import { AT_NETWORK, CORRUPTED, DELIVERED, DROPPED, SENT, WRONG } from './ledger.mjs';
import { Operator } from './operator.mjs';
import { Road } from './road.mjs';

const PER_SECOND = 5000;
const ROUTES = 8;
const SETTLE_MS = 1000;
/** Memory is compared with that of a minute, or of a third of a shorter run. */
const WARM_SECONDS = 60;
const MOST_GROWTH_MB = 32;
const FIRST_PORT = 16_100;
const PORTS_EACH = 10;

/** One more route than there are at a time. */
const ports = Array.from({ length: ROUTES + 1 }, (_, i) => {
  const first = FIRST_PORT + i * PORTS_EACH;
  return { send: first, seal: first + 1, network: first + 2, onward: first + 4, open: first + 5, receive: first + 6 };
});

export async function load(file, minutes) {
  const seconds = Math.round(60 * minutes);
  step(`load: ${PER_SECOND} packets a second over ${ROUTES} routes for ${seconds} s`);
  prefer();
  const operator = new Operator(file, ports);
  await operator.start();
  const road = await Road.open(ports, PER_SECOND, Math.ceil(((seconds + 30) * PER_SECOND) / (ROUTES - 1)));
  operator.road = road;
  road.begin(operator.present);
  await operator.work(seconds);
  road.stop();
  await sleep(SETTLE_MS);
  const cpuSeconds = Object.values(operator.gateways).map((gateway) => gateway.usage().cpuSeconds);
  const counters = await operator.stop();
  const unread = dropsAt(road.ports);
  road.close();
  const fates = fatesOf(road, operator.kill);
  tell(road, fates, counters, { cpuSeconds, unread, seconds });
  judge(road, fates, counters, { kill: operator.kill, unread });
  judgeMemory(operator.memory, seconds);
}

/** Every packet once: what became of it. */
function fatesOf({ ledger }, { atKill, atStart }) {
  const fates = {
    sent: ledger.count(SENT),
    delivered: ledger.count(DELIVERED),
    'lost by the network': ledger.count(DROPPED),
    'damaged by the network, refused by the gateway': ledger.count(CORRUPTED, DELIVERED),
    'in flight at the kill': 0,
    'sent while the gateway was down': 0,
    'lost before the network': 0,
    'lost after the network': ledger.count(AT_NETWORK, DROPPED | CORRUPTED | DELIVERED),
    wrong: ledger.count(WRONG),
  };
  for (const [route, first] of atKill.entries()) {
    const missing = ledger.numbers(route, SENT, AT_NETWORK);
    // In flight: an unbroken row of packets up to the kill.
    let row = first;
    while (missing.includes(row - 1)) row--;
    for (const number of missing) {
      if (number >= first && number < atStart[route]) fates['sent while the gateway was down']++;
      else if (number >= row && number < first) fates['in flight at the kill']++;
      else fates['lost before the network']++;
    }
  }
  return fates;
}

function tell(road, fates, { opening }, { cpuSeconds, unread, seconds }) {
  const { times, rtcp } = road;
  step(`load: ${(fates.sent / seconds).toFixed(0)} packets a second; ${JSON.stringify(fates)}`);
  step(`load: RTCP ${JSON.stringify(rtcp)}; refused by the opening gateway ${JSON.stringify(refusedBy(opening))}`);
  for (const [name, of] of Object.entries(times))
    step(`load: ${name}: ${[0.5, 0.9, 0.99].map((share) => `p${100 * share} ${of.quantile(share)} ms`).join(', ')}`);
  const [sealing, opened] = cpuSeconds.map((cpu) => cpu.toFixed(1));
  step(
    `load: processor time: sealing ${sealing} s (since its restart), opening ${opened} s of ${seconds} s; ${unread} datagrams not read by the receivers`,
  );
}

/** Throws where a packet is without a fate, or a counter disagrees. */
function judge(road, fates, { sealing, opening }, { kill, unread }) {
  const { sent, wrong, ...ends } = fates;
  const lostByGateways = { sealing: lostBy(sealing), opening: lostBy(opening) };
  const { rtcp } = road;
  const expected = [
    ['fates', Object.values(ends).reduce((sum, count) => sum + count, 0), sent],
    ['packets that are not what was sent', wrong, 0],
    ['sealed since the restart', sum(sealing, 'outside', 'out', 'ok'), road.atNetwork - kill.atNetworkBefore],
    ['arrived at the opening gateway', sumAll(opening, 'outside', 'in') + dropsOf(opening), road.forwarded],
    [
      'refused by the opening gateway',
      sumAll(opening, 'outside', 'in') - sum(opening, 'outside', 'in', 'ok'),
      fates['damaged by the network, refused by the gateway'],
    ],
    ['opened', sum(opening, 'inside', 'out', 'ok'), fates.delivered + rtcp.delivered + unread],
    [
      'lost after the network',
      fates['lost after the network'] + rtcp.atNetwork - rtcp.delivered,
      lostByGateways.opening + unread,
    ],
  ];
  for (const [what, counted, right] of expected)
    if (counted !== right)
      throw new Error(
        `load: ${what}: ${counted}, and not ${right}; ${JSON.stringify({ fates, lostByGateways, unread })}`,
      );
  // Losses of the sealing gateway's first life went with it: what they could be is only as much as the system dropped.
  if (fates['lost before the network'] > 0 && lostByGateways.sealing === 0)
    step(
      `load: ${fates['lost before the network']} packets were lost before the network, and the restarted gateway counted none`,
    );
}

function refusedBy(routes) {
  const refused = {};
  for (const { outside } of routes)
    for (const [result, count] of Object.entries(outside.in.packets))
      if (result !== 'ok') refused[result] = (refused[result] ?? 0) + count;
  return refused;
}

/** Packets that a gateway counts as lost on its way, and did not refuse. */
function lostBy(routes) {
  let lost = 0;
  for (const { inside, outside } of routes) {
    for (const side of [inside, outside]) {
      const { ok: _ok, ...unsent } = side.out.packets;
      lost += side.kernelDrops + side.overruns;
      for (const counts of [unsent, side.sendErrors]) for (const count of Object.values(counts)) lost += count;
    }
  }
  return lost;
}

function dropsOf(routes) {
  return routes.reduce((all, { outside }) => all + outside.kernelDrops, 0);
}

function sum(routes, side, flow, result) {
  return routes.reduce((all, route) => all + (route[side][flow].packets[result] ?? 0), 0);
}

function sumAll(routes, side, flow) {
  return routes.reduce((all, route) => all + Object.values(route[side][flow].packets).reduce((a, b) => a + b, 0), 0);
}

function judgeMemory(memory, seconds) {
  const warm = memory.find(({ second }) => second >= Math.min(WARM_SECONDS, seconds / 3));
  const last = memory.at(-1);
  step(
    `load: resident memory in MB: ${JSON.stringify({ [`after ${warm.second} s`]: warm, [`after ${last.second} s`]: last })}`,
  );
  for (const name of ['sealing', 'opening']) {
    const isOther = name === 'sealing' && warm.pid !== last.pid;
    const growth = last[name] - warm[name];
    if (!isOther && growth > MOST_GROWTH_MB)
      throw new Error(`load: memory of the ${name} gateway grew by ${growth} MB`);
  }
}
