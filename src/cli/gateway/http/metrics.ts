/**
 * Prometheus metrics of a gateway. All values of a scrape come from one snapshot, so that they agree with each other.
 * Labels are bounded: names of the configuration, statuses and error codes; no address, SSRC or key id.
 */
import { setImmediate } from 'node:timers/promises';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { FLOWS, flowOf, SIDES } from '../rates.js';
import type {
  Counts,
  CryptTimes,
  GatewaySnapshot,
  RouteSnapshot,
  SideName,
  SideSnapshot,
  StoreSnapshot,
} from '../snapshot.js';

const LOOP_PRECISION_MS = 200;

type Labels = Readonly<Record<string, string | number>>;

interface Value {
  readonly value: number;
  readonly labels: Labels;
  /** Where it differs from the metric's: the series of a histogram. */
  readonly metricName?: string;
}

interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  values(snapshot: GatewaySnapshot): Value[];
}

/** Gauges that prom-client gives a counter's name: promtool finds fault with them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

const DEFINITIONS: Readonly<Record<string, Definition>> = {
  frameseal_packets_total: {
    type: 'counter',
    help: 'Packets by side, flow (in: arrived there; out: left there) and result: ok, or why not.',
    values: (snapshot) => flowCounts(snapshot, 'packets'),
  },
  frameseal_rtcp_total: {
    type: 'counter',
    help: 'Those of frameseal_packets_total that are RTCP.',
    values: (snapshot) => flowCounts(snapshot, 'rtcp'),
  },
  frameseal_bytes_total: {
    type: 'counter',
    help: 'Bytes of UDP payload by side and flow.',
    values: (snapshot) =>
      ofSides(snapshot, (side, labels) =>
        FLOWS.map((flow) => ({ value: flowOf(side, flow).bytes, labels: { ...labels, flow } })),
      ),
  },
  frameseal_source_refused_total: {
    type: 'counter',
    help: 'Packets from a source that from does not allow.',
    values: (snapshot) => ofSides(snapshot, (side, labels) => [{ value: side.sourceRefused, labels }]),
  },
  frameseal_send_errors_total: {
    type: 'counter',
    help: 'Packets that the system did not take, by error code.',
    values: (snapshot) => ofSides(snapshot, (side, labels) => byName(side.sendErrors, 'code', labels)),
  },
  frameseal_overruns_total: {
    type: 'counter',
    help: 'Packets that were dropped because the queue to the system was full.',
    values: ({ routes }) => [
      { value: routes.reduce((sum, { inside, outside }) => sum + inside.overruns + outside.overruns, 0), labels: {} },
    ],
  },
  frameseal_kernel_drops_total: {
    type: 'counter',
    help: 'Packets that the system dropped because a receive buffer was full.',
    values: (snapshot) => ofSides(snapshot, (side, labels) => [{ value: side.kernelDrops, labels }]),
  },
  frameseal_senders: {
    type: 'gauge',
    help: 'Senders that the openers of a route remember.',
    values: ({ routes }) => routes.map(({ name, senders }) => ({ value: senders, labels: { route: name } })),
  },
  frameseal_sealers: {
    type: 'gauge',
    help: 'Sealers that a route has open, one for each SSRC.',
    values: ({ routes }) => routes.map(({ name, sealers }) => ({ value: sealers, labels: { route: name } })),
  },
  frameseal_key_id: {
    type: 'gauge',
    help: 'The key id that a channel seals with.',
    values: ({ channels }) =>
      channels.flatMap(({ name, keyId }) => (keyId === undefined ? [] : [{ value: keyId, labels: { channel: name } }])),
  },
  frameseal_key_age_seconds: {
    type: 'gauge',
    help: 'Seconds since the sealing key of a channel was read.',
    values: ({ channels, timeMs }) =>
      channels.map(({ name, keySinceMs }) => ({ value: (timeMs - keySinceMs) / 1000, labels: { channel: name } })),
  },
  frameseal_rotations_total: {
    type: 'counter',
    help: 'Rotations of a channel by result: ok or refused.',
    values: ({ channels }) =>
      channels.flatMap(({ name, rotations }) =>
        byName({ ok: 0, refused: 0, ...rotations }, 'result', { channel: name }),
      ),
  },
  frameseal_store_connected: {
    type: 'gauge',
    help: '1 while the keyset that the store has is the one in use; 0: see frameseal_store_troubles_total.',
    values: (snapshot) => ofStores(snapshot, ({ state }, labels) => [{ value: Number(state === 'connected'), labels }]),
  },
  frameseal_store_revision: {
    type: 'gauge',
    help: 'Revision of the keyset in use.',
    values: (snapshot) =>
      ofStores(snapshot, ({ revision }, labels) => (revision === undefined ? [] : [{ value: revision, labels }])),
  },
  frameseal_store_silence_seconds: {
    type: 'gauge',
    help: 'Seconds since the store of a channel answered last.',
    values: (snapshot) =>
      ofStores(snapshot, ({ answeredMs }, labels) =>
        answeredMs === undefined ? [] : [{ value: (snapshot.timeMs - answeredMs) / 1000, labels }],
      ),
  },
  frameseal_store_troubles_total: {
    type: 'counter',
    help: 'How often a trouble with a store began: gone, refused, missing, unreadable, rolled-back and others.',
    values: (snapshot) =>
      ofStores(snapshot, ({ troubles }, labels) => byName({ gone: 0, ...troubles }, 'trouble', labels)),
  },
  frameseal_reloads_total: {
    type: 'counter',
    help: 'Reloads of the configuration by result: ok or refused.',
    values: ({ reloads }) => byName({ ok: 0, refused: 0, ...reloads }, 'result', {}),
  },
  frameseal_crypt_seconds: {
    type: 'histogram',
    help: 'Time to open and seal a packet, of a sample of the packets.',
    values: ({ crypt }) => histogram('frameseal_crypt_seconds', crypt),
  },
  frameseal_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what runs.',
    values: ({ version, engine }) => [{ value: 1, labels: { version, engine, node: process.versions.node } }],
  },
};

/** The text of a scrape. */
export class Metrics {
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new Registry();
  #snapshot: GatewaySnapshot | undefined;
  #before: Promise<unknown> = Promise.resolve();

  constructor() {
    // A hundred wake-ups a second, the default, cost as much as a thousand packets.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_PRECISION_MS });
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name);
    for (const [name, { type, help, values }] of Object.entries(DEFINITIONS)) {
      const get = async () => ({ name, type, help, values: this.#snapshot ? values(this.#snapshot) : [] });
      // The registry needs no more of a metric. Metrics of its own would be set and reset at every scrape.
      this.#registry.registerMetric({ name, help, get } as unknown as Metric);
    }
  }

  /** The loop turns between metrics, so that hundreds of routes do not hold media up. One scrape at a time. */
  text(snapshot: GatewaySnapshot): Promise<string> {
    const text = this.#before.then(() => this.#render(snapshot));
    this.#before = text.catch(() => {});
    return text;
  }

  async #render(snapshot: GatewaySnapshot): Promise<string> {
    this.#snapshot = snapshot;
    const texts: string[] = [];
    for (const { name } of this.#registry.getMetricsAsArray()) {
      texts.push(await this.#registry.getSingleMetricAsString(name));
      await setImmediate();
    }
    return `${texts.join('\n\n')}\n`;
  }
}

function flowCounts(snapshot: GatewaySnapshot, what: 'packets' | 'rtcp'): Value[] {
  return ofSides(snapshot, (side, labels) =>
    // A series that is there from the start has a rate when its first packet comes.
    FLOWS.flatMap((flow) => byName({ ok: 0, ...flowOf(side, flow)[what] }, 'result', { ...labels, flow })),
  );
}

function ofSides(snapshot: GatewaySnapshot, values: (side: SideSnapshot, labels: Labels) => Value[]): Value[] {
  const labelsOf = (route: RouteSnapshot, side: SideName): Labels => ({ route: route.name, side });
  return snapshot.routes.flatMap((route) => SIDES.flatMap((side) => values(route[side], labelsOf(route, side))));
}

function ofStores(snapshot: GatewaySnapshot, values: (store: StoreSnapshot, labels: Labels) => Value[]): Value[] {
  return snapshot.channels.flatMap(({ name, store }) => (store === undefined ? [] : values(store, { channel: name })));
}

function byName(counts: Counts, label: string, labels: Labels): Value[] {
  return Object.entries(counts).map(([name, value]) => ({ value, labels: { ...labels, [label]: name } }));
}

function histogram(name: string, { bounds, counts, sumSeconds }: CryptTimes): Value[] {
  let below = 0;
  const buckets = counts.map((count, i) => {
    below += count;
    return { metricName: `${name}_bucket`, value: below, labels: { le: bounds[i] ?? '+Inf' } };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, value: sumSeconds, labels: {} },
    { metricName: `${name}_count`, value: below, labels: {} },
  ];
}
