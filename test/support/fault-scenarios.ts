/**
 * What a channel is made to do while faults come (faults.ts), each on a world of its own (fault-world.ts): the calls of
 * sealers, openers and channels, and what must hold after some of them beside what always must.
 */
import { vi } from 'vitest';
import type { Channel } from '../../src/channel/channel.js';
import type { EncryptionConfig } from '../../src/channel/config.js';
import { config } from './channel.js';
import { frameKeysOf, type Incoming, KEY_ID, kidOf, NEXT_KEY_ID, type Setup } from './fault-frames.js';
import type { Traits, World } from './fault-world.js';
import { faultPoints } from './faults.js';

/** What a scenario does under faults, and what it checks before the rest is: `error` is what the call threw. */
interface Act {
  run(): void;
  after?(error: unknown, kind: Kind): void;
  /** Results may differ from those without a fault. */
  readonly lenient?: boolean;
  /** A fault that persists is too much: for a constructor, whose key nothing holds, and for a timer, which cannot be set again. */
  readonly onceOnly?: boolean;
}
export type Kind = 'once' | 'persists';
export interface Scenario {
  readonly traits?: Traits;
  begin(world: World): Act;
}

const SIZES = [0, 20, 160, 1200, 1900, 16_500];
const MIXED = [20, 0, 160, -2, 1200, 20, -1, 1900, 16_500, 20, 160, 20, 0, 20, 1200, 20, 20, 1900, 20, 160];

function genuine(sender: number, ctr: number, payload: number): Incoming {
  return { kid: kidOf(sender), ctr, payload };
}

const KNOWN: readonly Incoming[] = [genuine(1, 0, 20), genuine(2, 0, 20)];
/** Known and new senders, forged, replayed and malformed frames, one with no room, and long ones. */
const TRAFFIC: readonly Incoming[] = [
  genuine(1, 1, 20),
  genuine(2, 1, 160),
  genuine(1, 2, 0),
  genuine(11, 0, 20),
  genuine(1, 1, 20),
  { ...genuine(2, 2, 20), fault: 'forged' },
  genuine(2, 3, 1200),
  genuine(2, 2, 20),
  { ...genuine(1, 5, 20), fault: 'malformed' },
  genuine(1, 6, 1900),
  genuine(12, 0, 160),
  { ...genuine(13, 0, 20), fault: 'forged' },
  genuine(11, 1, 16_500),
  { ...genuine(2, 9, 160), fault: 'no room' },
  genuine(1, 4, 20),
  genuine(12, 2, 20),
  genuine(12, 1, 20),
  genuine(2, 8, 1900),
  genuine(1, 7, 20),
  genuine(14, 3, 20),
];

/** What the framing has: where everything is a frame, no input to seal is malformed. */
function mixed({ setup }: World, payloads: readonly number[]): number[] {
  return payloads.filter((payload) => payload !== -1 || (setup.framing === 'rtp' && payload === -1));
}

/** An opener that knows two senders. */
function knowing(world: World) {
  const opener = world.opener();
  world.opening(opener, KNOWN).single();
  return opener;
}

function sealing(payloads: readonly number[], how: 'single' | 'batch', inPlace = false, firstCtr = 0): Scenario {
  return {
    traits: { firstCtr },
    begin: (world) => ({ run: world.sealing(world.sealer(), mixed(world, payloads), inPlace)[how] }),
  };
}

function opening(incoming: readonly Incoming[], how: 'single' | 'batch', inPlace = false, maxSenders = 64): Scenario {
  return {
    traits: { maxSenders },
    begin: (world) => ({ run: world.opening(knowing(world), incoming, inPlace)[how] }),
  };
}

/** A close that throws rethrows the fault and has wiped all but one key; the next one finishes. */
function closing(make: (world: World) => { close(): void }): Scenario {
  /** How often hash states are destroyed without a fault. */
  let destroys = 0;
  return {
    begin: (world) => {
      const closed = make(world);
      return {
        run: () => closed.close(),
        after: (error, kind) => {
          const { live } = world.engine;
          const { fired } = faultPoints;
          if (error !== fired) world.wrong.push(`close throws ${error}`);
          // A schedule is three hash states. Where one throws, the others of its schedule may wait.
          const wiped = faultPoints.reached.get('destroy') ?? 0;
          if (fired === undefined) destroys = wiped;
          if (kind === 'once' && wiped < destroys - 3) world.wrong.push('more schedules than one were not wiped');
          if (kind === 'once' && live.some((key) => key !== fired?.subject))
            world.wrong.push('more keys than one were not wiped');
          closed.close();
          if (world.engine.live.length > 0) world.wrong.push('the second close left keys');
          world.sealers.length = 0;
          world.openers.length = 0;
        },
      };
    },
  };
}

/** A sealer that has sealed, and an opener that knows two senders and refused a third. */
function busy(world: World): void {
  world.sealing(world.sealer(), [20]).single();
  world.opening(knowing(world), [{ ...genuine(13, 0, 20), fault: 'forged' }]).single();
}

const oldKeysByMode = new Map<string, ReadonlySet<string>>();

function oldKeys(mode: Setup['mode']): ReadonlySet<string> {
  const known = oldKeysByMode.get(mode) ?? frameKeysOf(mode, KEY_ID);
  oldKeysByMode.set(mode, known);
  return known;
}

/** A rotation has happened, or has not: then it goes well the next time. In the end the old key is nowhere. */
function rotated(world: World, error: unknown): void {
  if (world.channel.keyId === KEY_ID) {
    if (error === undefined) world.wrong.push('no rotation, and no exception');
    vi.advanceTimersByTime(10_000);
    for (const sealer of world.sealers) world.expectSeals(sealer);
    for (const opener of world.openers) world.expectOpens(opener);
    world.channel.rotate(config(world.setup.mode, NEXT_KEY_ID), { graceMs: 0 });
  }
  vi.advanceTimersByTime(1000);
  const old = oldKeys(world.setup.mode);
  const { live, keyBytes } = world.engine;
  if (live.some((key) => old.has(keyBytes.get(key)!))) world.wrong.push('a key outlives its rotation');
  if (vi.getTimerCount() > 0) world.wrong.push('a timer is left');
  world.liveKeyIds = [NEXT_KEY_ID];
  world.deadKeyId = KEY_ID;
}

/** A change of keys at once. */
function rotation(change: (channel: Channel, next: EncryptionConfig) => void): Scenario {
  return {
    begin: (world) => {
      busy(world);
      return {
        run: () => change(world.channel, config(world.setup.mode, NEXT_KEY_ID)),
        after: (error) => rotated(world, error),
      };
    },
  };
}

const delayedRotation: Scenario = {
  begin: (world) => {
    busy(world);
    const [sealer] = world.sealers;
    const [opener] = world.openers;
    let rotateError: unknown;
    /** A fault leaves a call, never a timer. */
    const attempt = (action: () => void) => {
      try {
        action();
      } catch (error) {
        if (error !== faultPoints.fired) world.wrong.push(`another exception: ${error}`);
        return error;
      }
      return undefined;
    };
    const pass = (ms: number) => {
      try {
        vi.advanceTimersByTime(ms);
      } catch (error) {
        world.wrong.push(`a timer let an exception out: ${error}`);
      }
    };
    const exchanges = [1, 2, 3].map((round) => [
      world.sealing(sealer!, [20]),
      world.opening(opener!, [
        genuine(1, round, 20),
        { ...genuine(20 + round, 0, 20), kid: kidOf(20 + round, NEXT_KEY_ID) },
      ]),
    ]);
    return {
      run: () => {
        const settings = config(world.setup.mode, NEXT_KEY_ID);
        rotateError = attempt(() => world.channel.rotate(settings, { sealAfterMs: 1000, graceMs: 5000 }));
        for (const ms of [1000, 5000, 0]) {
          for (const exchange of exchanges.shift()!) attempt(exchange.single);
          pass(ms);
        }
      },
      after: () => {
        pass(1000);
        rotated(world, rotateError);
      },
      lenient: true,
      onceOnly: true,
    };
  },
};

const SEALING: Readonly<Record<string, Scenario>> = {
  'seal, one by one': sealing(SIZES, 'single'),
  'seal in place': sealing([20, 1200, 16_500], 'single', true),
  'sealBatch of 3': sealing([20, 1200, 1900], 'batch'),
  'sealBatch of 20': sealing(MIXED, 'batch'),
  'sealBatch of 20 in place': sealing(MIXED, 'batch', true),
  createSealer: { begin: (world) => ({ run: () => world.sealing(world.sealer(), [20]).single() }) },
};

const OPENING: Readonly<Record<string, Scenario>> = {
  'open from a known sender': opening([genuine(1, 1, 160), genuine(1, 2, 1900)], 'single'),
  'open from new senders': opening([genuine(11, 0, 160), genuine(12, 0, 20)], 'single'),
  'openBatch of 3': opening(TRAFFIC.slice(2, 5), 'batch'),
  'openBatch of 20': opening(TRAFFIC, 'batch'),
  'openBatch of 20 in place': opening(
    TRAFFIC.filter(({ fault }) => fault !== 'no room'),
    'batch',
    true,
  ),
};

const CLOSING: Readonly<Record<string, Scenario>> = {
  enableEncryption: {
    begin: (world) => {
      let made: Channel | undefined;
      return {
        run: () => {
          made = world.another();
        },
        after: () => made?.close(),
        onceOnly: true,
      };
    },
  },
  'channel.close': closing((world) => {
    busy(world);
    busy(world);
    return world.channel;
  }),
};

const GCM_ONLY: Readonly<Record<string, Scenario>> = {
  'one sender at most: open': opening([genuine(11, 0, 20), genuine(12, 0, 20)], 'single', false, 1),
  'one sender at most: openBatch': opening(TRAFFIC.slice(0, 13), 'batch', false, 1),
  'the end of a session, one by one': sealing([20, 20, 20, 160], 'single', false, 2 ** 32 - 2),
  'the end of a session in a batch': sealing(MIXED, 'batch', false, 2 ** 32 - 5),
  'sealer.close': closing((world) => world.sealer()),
  'opener.close': closing((world) => {
    world.opening(knowing(world), [{ ...genuine(13, 0, 20), fault: 'forged' }]).single();
    return world.openers[0]!;
  }),
  createOpener: {
    begin: (world) => ({ run: () => world.opening(world.opener(), KNOWN).single() }),
  },
  'channel.close during a rotation': closing((world) => {
    busy(world);
    world.channel.rotate(config(world.setup.mode, NEXT_KEY_ID), { sealAfterMs: 1000, graceMs: 5000 });
    return world.channel;
  }),
  'rotate at once': rotation((channel, next) => channel.rotate(next, { sealAfterMs: 0, graceMs: 0 })),
  holdKeys: rotation((channel, next) => channel.holdKeys([next], NEXT_KEY_ID)),
  'rotate with delays': delayedRotation,
};

/** What AES-256 has of its own is its key set-up, and a longer hash. */
const FEW = ['sealBatch of 3', 'createSealer', 'open from new senders', 'channel.close', 'rotate at once'];

export function scenariosOf({ mode }: Setup): [name: string, scenario: Scenario][] {
  const all = { ...SEALING, ...OPENING, ...CLOSING, ...(mode === 'SM4_128_ECB' ? {} : GCM_ONLY) };
  return Object.entries(all).filter(([name]) => mode !== 'AES_256_GCM2' || FEW.includes(name));
}
