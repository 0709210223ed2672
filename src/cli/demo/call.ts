/**
 * The demo's call, all of it on loopback UDP, in both directions at the same time:
 *
 *     player <-> gateway a <-> bad network <-> gateway b <-> player        two ways, with a rotation on the way
 *     old phone (SM4) --> gateway a --> bad network --> gateway b          bridged from SM4 to GCM2
 *     bad network --> gateway of another room                              a wrong context: nothing opens
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EncryptionConfig, enableEncryption, generateKey, generateSalt } from 'frameseal';
import type { EngineForm } from 'frameseal/accelerated';
import type { RecordedPacket } from 'frameseal/recording';
import {
  CHANNEL_DEFAULTS,
  type ChannelModel,
  type RouteModel,
  SIDE_DEFAULTS,
  type SideModel,
} from '../gateway/config/model.js';
import { Gateway } from '../gateway/gateway.js';
import { serveHttp } from '../gateway/http/server.js';
import type { GatewayEvent, GatewaySnapshot, RouteSnapshot, SideSnapshot } from '../gateway/snapshot.js';
import { openHosts } from '../gateway/workers.js';
import { type LinkProfile, LossyLink } from './link.js';
import { elapsedMs, Phone } from './phone.js';

const LOOPBACK = '127.0.0.1';
const PATIENCE_MS = 3000;
/** Narrow, so that the packets that the network delays are too old. */
const REPLAY_WINDOW = 64;
const PROFILE: Omit<LinkProfile, 'seed'> = {
  chances: { dropped: 200, repeated: 250, reordered: 300, delayed: 100, damaged: 150 },
  reorderedBy: 5,
  delayedBy: 80,
  repeatedAfter: 5,
};
/** The rotation comes at this share of the call. */
const ROTATE_AT = 0.5;
const SEAL_AFTER_MS = 300;
const ROOM = 'room 7';

export interface CallOptions {
  readonly mode: string;
  readonly seed: number;
  /** How much faster than recorded. */
  readonly speed: number;
  readonly engine: EngineForm;
  readonly version: string;
  onProgress(share: number): void;
  onPage(address: string): void;
}

/** What became of the packets of one direction. */
export interface Leg {
  readonly name: string;
  readonly sent: number;
  readonly arrived: number;
  readonly identical: number;
  readonly rtcp: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
}

export interface CallReport {
  readonly legs: readonly Leg[];
  readonly a: GatewaySnapshot;
  readonly b: GatewaySnapshot;
  readonly stranger: GatewaySnapshot;
  /** Packets under the key after the rotation that gateway b opened. */
  readonly keyIds: readonly number[];
  readonly events: readonly GatewayEvent[];
}

/** Sends the packets both ways at their recorded times. Returns what became of them. */
export async function runCall(packets: readonly RecordedPacket[], options: CallOptions): Promise<CallReport> {
  const folder = mkdtempSync(join(tmpdir(), 'frameseal-demo-'));
  try {
    return await new Call(packets, options, folder).run();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

class Call {
  readonly #packets: readonly RecordedPacket[];
  readonly #options: CallOptions;
  readonly #folder: string;
  readonly #events: GatewayEvent[] = [];
  readonly #studio: EncryptionConfig;
  readonly #old: EncryptionConfig = { encryptionMode: 'SM4_128_ECB', encryptionKey: generateKey() };

  constructor(packets: readonly RecordedPacket[], options: CallOptions, folder: string) {
    this.#packets = packets;
    this.#options = options;
    this.#folder = folder;
    this.#studio = newKey(options.mode, 0);
  }

  async run(): Promise<CallReport> {
    const { seed, speed, onProgress } = this.#options;
    this.#write('studio.json', this.#studio);
    this.#write('old.json', this.#old);
    const [near, far, oldFar] = [await Phone.open(), await Phone.open(), await Phone.open()];
    for (const phone of [near, far, oldFar]) phone.expect(this.#packets);
    const oldNear = await Phone.open(enableEncryption(this.#old).createSealer());
    const links = await Promise.all(
      [seed, seed + 1, seed + 2].map((each) => LossyLink.open({ ...PROFILE, seed: each })),
    );
    const [there, back, oldThere] = links as [LossyLink, LossyLink, LossyLink];

    const b = await this.#gateway('b', [
      route('call', clear(far.port), sealed('studio', back.port)),
      { ...route('old phone', clear(oldFar.port), sealed('studio')), direction: 'inward' },
    ]);
    const a = await this.#gateway('a', [
      route('call', clear(near.port), sealed('studio', there.port)),
      { ...route('old phone', listening(), sealed('studio', oldThere.port)), direction: 'outward' },
    ]);
    const stranger = await this.#gateway(
      'b',
      [{ ...route('call', clear(far.port), sealed('studio')), direction: 'inward' }],
      'room 8',
    );
    const [portsA, portsB] = [await portsOf(a), await portsOf(b)];
    there.connect(portsB.outside[0]!, (await portsOf(stranger)).outside[0]!);
    oldThere.connect(portsB.outside[1]!);
    back.connect(portsA.outside[0]!);
    const page = await serveHttp({ host: LOOPBACK, port: 0 }, a);
    this.#options.onPage(page.address);

    const rotation = this.#rotateAt(ROTATE_AT, [a, b]);
    const plays = [
      near.play(this.#packets, portsA.inside[0]!, speed, onProgress),
      far.play(this.#packets, portsB.inside[0]!, speed),
      oldNear.play(this.#packets, portsA.inside[1]!, speed),
    ];
    await Promise.all([rotation, ...plays]);
    await settle(links, () => far.received + near.received + oldFar.received);
    await page.close();
    const keyIds = (await a.snapshot()).channels[0]!.liveKeyIds;
    for (const gateway of [a, b, stranger]) await gateway.stop();
    for (const phone of [near, far, oldNear, oldFar]) phone.close();
    for (const link of links) link.close();
    const [lastA, lastB] = [await a.snapshot(), await b.snapshot()];
    return {
      legs: [
        leg('there', near.sent, far, there, lastB.routes[0]!),
        leg('back', far.sent, near, back, lastA.routes[0]!),
        leg('old phone', oldNear.sent, oldFar, oldThere, lastB.routes[1]!),
      ],
      a: lastA,
      b: lastB,
      stranger: await stranger.snapshot(),
      keyIds,
      events: this.#events,
    };
  }

  #gateway(role: 'a' | 'b', routes: readonly RouteModel[], context = ROOM): Promise<Gateway> {
    const studio = this.#channel('studio', 'studio.json', { role, context });
    const old = this.#channel('old', 'old.json', {});
    const model = { workers: 0, channels: role === 'a' ? [studio, old] : [studio], srtp: [], routes };
    const { engine, version } = this.#options;
    const report = (event: GatewayEvent) => void this.#events.push(event);
    const line = ({ message }: { readonly message: string }) => message;
    const source = { read: async () => ({ model, faults: [], line }) };
    return Gateway.start({ source, trust: 'checked', version, engine, hosts: openHosts, report });
  }

  #channel(name: string, file: string, more: Partial<ChannelModel>): ChannelModel {
    const times = { sealAfterMs: SEAL_AFTER_MS / this.#options.speed, graceMs: 60_000 };
    return {
      ...CHANNEL_DEFAULTS,
      name,
      file: join(this.#folder, file),
      replayWindow: REPLAY_WINDOW,
      ...times,
      ...more,
    };
  }

  /** Writes a new key, and reloads: the gateways open with it at once, and seal with it a little later. */
  async #rotateAt(share: number, gateways: readonly Gateway[]): Promise<void> {
    await sleep((share * elapsedMs(this.#packets, this.#packets.at(-1)!)) / this.#options.speed);
    this.#write('studio.json', newKey(this.#options.mode, 1));
    await Promise.all(gateways.map((gateway) => gateway.reload()));
  }

  #write(name: string, config: EncryptionConfig): void {
    writeFileSync(join(this.#folder, name), JSON.stringify(config), { mode: 0o600 });
  }
}

function newKey(encryptionMode: string, keyId: number): EncryptionConfig {
  return { encryptionMode, keyId, encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
}

function route(name: string, inside: SideModel, outside: SideModel): RouteModel {
  return { name: name.replace(' ', '-'), direction: 'both', isShared: false, inside, outside };
}

const FREE = { host: LOOPBACK, port: 0 };

function clear(peer: number): SideModel {
  return {
    ...SIDE_DEFAULTS,
    rtcpPort: 'mux',
    listen: FREE,
    peer: { host: LOOPBACK, port: peer },
    rule: { kind: 'clear' },
  };
}

/** A side of the channel; without a peer it only receives. */
function sealed(channel: string, peer?: number): SideModel {
  const where = peer === undefined ? {} : { peer: { host: LOOPBACK, port: peer } };
  return { ...SIDE_DEFAULTS, rtcpPort: 'mux', listen: FREE, ...where, rule: { kind: 'channel', channel } };
}

/** Where the old phone sends: SM4, and RTCP in the clear, as its kind has it. */
function listening(): SideModel {
  return { ...sealed('old'), from: [LOOPBACK], clearRtcp: 'forward' };
}

async function portsOf(gateway: Gateway): Promise<{ inside: number[]; outside: number[] }> {
  const { routes } = await gateway.snapshot();
  const port = ({ listen }: SideSnapshot) => Number(listen.split(':').at(-1));
  return { inside: routes.map(({ inside }) => port(inside)), outside: routes.map(({ outside }) => port(outside)) };
}

function leg(name: string, sent: number, to: Phone, link: LossyLink, { outside }: RouteSnapshot): Leg {
  const { ok: _ok, ...refused } = outside.in.packets;
  const { packets: arrived, identical, rtcp } = to;
  return { name, sent, arrived, identical, rtcp, faults: link.faults, refused };
}

/** Waits until no packet moves, and sends what the links still hold. */
async function settle(links: readonly LossyLink[], arrived: () => number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let seen = -1;
  while (arrived() !== seen && performance.now() < deadline) {
    seen = arrived();
    await sleep(150);
    for (const link of links) link.flush();
  }
}
