/**
 * Fail closed: an exception at every point of every call, once and from there on (test/support/faults.ts). What must hold then
 * is in test/support/fault-world.ts, what is called in fault-scenarios.ts. A clean run counts the points; then each of them
 * throws in a world of its own.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CounterMode } from '../../src/engine/portable/aes.js';
import { Ghash } from '../../src/engine/portable/ghash.js';
import { UNFINISHED } from '../../src/status.js';
import { ENGINES } from '../support/engines.js';
import { Bystanders, type Setup } from '../support/fault-frames.js';
import { type Kind, type Scenario, scenariosOf } from '../support/fault-scenarios.js';
import { World } from '../support/fault-world.js';
import { Fault, faultPoints, putFaults, putKernelFaults, putPortableFaults } from '../support/faults.js';

// Modules that are there already would keep the real copyInto.
vi.hoisted(() => vi.resetModules());
vi.mock('../../src/bytes.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../src/bytes.js')>();
  const { faultPoints: points } = await import('../support/faults.js');
  return { ...real, copyInto: points.copies(real.copyInto) };
});

// The engine is made when it is first asked for.
putKernelFaults();
putPortableFaults(CounterMode.prototype, Ghash.prototype);
await import('../support/simd-form.js');

let takeFaultsAway = () => {};

beforeAll(() => {
  vi.spyOn(console, 'warn').mockReturnValue();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  // The clock gains time for a derivation at each reading.
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 10;
    return now;
  });
  takeFaultsAway = putFaults();
});

afterAll(() => {
  takeFaultsAway();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** How many runs with a fault there were. */
let faults = 0;

const SETUPS: readonly Setup[] = ENGINES.flatMap((engine) =>
  (['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'] as const).flatMap((mode) =>
    (['rtp', 'frame'] as const).map((framing) => ({ engine, mode, framing })),
  ),
);

describe.each(SETUPS)('$engine, $mode, $framing', (setup) => {
  let bystanders: readonly Bystanders[] = [];

  beforeAll(() => {
    bystanders = (['AES_256_GCM2', 'SM4_128_ECB'] as const).map((mode) => new Bystanders({ ...setup, mode }));
  });

  /** One run with a fault at a point, 0 for none: how many points there were, and what was wrong after. */
  function runWith({ traits, begin }: Scenario, point: number, kind: Kind = 'once', clean?: readonly Int32Array[]) {
    const world = new World(setup, traits);
    const act = begin(world);
    const { points, error } = faultPoints.run(point, act.run, kind);
    const { fired } = faultPoints;
    if (point > 0 && fired === undefined) world.wrong.push('nothing was thrown');
    const isOurs = error === fired || (kind === 'persists' && error instanceof Fault);
    if (!act.lenient && !isOurs) world.wrong.push(`another exception: ${error}`);
    const results = world.results.map((list) => list.slice());
    world.judge(act.lenient ? undefined : clean);
    act.after?.(error, kind);
    world.goOn();
    for (const other of bystanders) if (!other.areWell()) world.wrong.push('another channel noticed');
    world.close();
    vi.clearAllTimers();
    return {
      points,
      results,
      onceOnly: act.onceOnly,
      wrong: [...new Set(world.wrong)].map((what) => `${fired?.message ?? 'clean'}: ${what}`),
    };
  }

  test.each(scenariosOf(setup))('%s', (_name, scenario) => {
    const clean = runWith(scenario, 0);
    expect(clean.wrong).toEqual([]);
    const wrong: string[] = [];
    const kinds: Kind[] = clean.onceOnly ? ['once'] : ['once', 'persists'];
    for (const kind of kinds) {
      for (let point = 1; point <= clean.points; point++) {
        const run = runWith(scenario, point, kind, clean.results);
        wrong.push(...run.wrong.map((what) => `${point} of ${clean.points}, ${kind}, ${what}`));
      }
      faults += clean.points;
    }
    expect(wrong).toEqual([]);
    expect(clean.results.flatMap((list) => [...list])).not.toContain(UNFINISHED);
  });
});

test('faults come at every kind of point', () => {
  const engine =
    'createGcmKey createSm4Key setKey seal open sealAll openAll encrypt decrypt encryptAll decryptAll wipe';
  const others = 'copy update digestInto destroy draw setTimeout clearTimeout unref';
  const kernels = 'seal open packKeys powerTables sm4 sm4Keys';
  const kinds = [...`${engine} ${others}`.split(' '), ...kernels.split(' ').map((kernel) => `kernel ${kernel}`)];
  const expected = kinds.flatMap((kind) => [`before ${kind}`, `after ${kind}`]);
  expect([...faultPoints.passed.keys()].sort()).toEqual([...expected, 'before copy to out'].sort());
  expect(faults).toBeGreaterThan(20_000);
});
