/**
 * Hostile arguments for every public function: support/evil.ts has the arrays, support/evil-batch.ts numbers and containers,
 * support/evil-rules.ts the rules, support/evil-channel.ts and evil-aead.ts the functions; evil-options.test.ts has the options.
 *
 * An ordinary run spreads the kinds over engines, modes and framings; FRAMESEAL_EVIL=all tries each with each.
 */
import { describe, expect, test, vi } from 'vitest';
import { AesGcm, Sm4Ecb } from '../src/aead.js';
import { useSimdEngine } from '../src/engine/pick.js';
import { compileModule, createSimdEngine } from '../src/engine/simd/simd.js';
import { enableEncryption } from '../src/index.js';
import { bytes, config, rtp } from './support/channel.js';
import { ENGINES, type EngineName } from './support/engines.js';
import { aeadSubject } from './support/evil-aead.js';
import { type ChannelSetup, channelSubject } from './support/evil-channel.js';
import { Memory } from './support/evil-memory.js';
import type { Subject, World } from './support/evil-rules.js';
import { attemptAll } from './support/evil-run.js';
import { srtpSubject } from './support/evil-srtp.js';
import { AVAILABLE_FORMS, FORMS } from './support/simd-forms.js';

vi.spyOn(console, 'warn').mockImplementation(() => {});

const WANTED = process.env['FRAMESEAL_SIMD_FORM'];
const FORM = AVAILABLE_FORMS.find((name) => name === WANTED) ?? AVAILABLE_FORMS.findLast((name) => name !== 'wide')!;
const ALL = process.env['FRAMESEAL_EVIL'] === 'all';

/** Worlds of one subject and two witnesses; after a failure, on a fresh engine. */
function worldsOf(engine: EngineName, subject: () => Subject): (afterFailure: boolean) => World {
  return (afterFailure) => {
    if (afterFailure) useSimdEngine(createSimdEngine(compileModule(FORMS[FORM])));
    const witnesses = (['AES_128_GCM2', 'SM4_128_ECB'] as const).map((mode, i) =>
      channelSubject({ engine, mode, framing: 'frame' }, 10 + i),
    );
    return { subject: subject(), witnesses, closed: false, spent: false, ledger: new Set() };
  };
}

/** Whether part `part` of `parts` has the kind of this index; neighbours, which are alike, fall to different parts. */
const share =
  (part: number, parts: number) =>
  (index: number): boolean =>
    ALL || (index + Math.floor(index / 4)) % parts === part % parts;

function tryAll(make: (afterFailure: boolean) => World, name: string, takes: (index: number) => boolean): void {
  const tally = attemptAll(make, name, takes);
  expect(tally.failures).toEqual([]);
  expect(tally.taken).toBeGreaterThan(0);
  expect(tally.refused).toBeGreaterThan(0);
  expect(tally.taken + tally.refused).toBe(tally.tried);
}

const SETUPS: ChannelSetup[] = ENGINES.flatMap((engine) =>
  (['AES_128_GCM2', 'SM4_128_ECB'] as const).flatMap((mode) =>
    (['rtp', 'frame'] as const).map((framing) => ({ engine, mode, framing })),
  ),
);

describe.each(SETUPS)('arrays, numbers and batches: $engine, $mode, $framing', (setup) => {
  const { engine, mode, framing } = setup;
  const make = worldsOf(engine, () => channelSubject(setup, 1));
  const part = Number(framing === 'frame') + 2 * Number(engine === 'portable');
  const names = channelSubject(setup, 1).calls.map((call) => call.name);
  test.each(names)('%s', (name) => {
    tryAll(
      make,
      name,
      share(part, mode === 'SM4_128_ECB' || ['rotate', 'holdKeys', 'enableEncryption'].includes(name) ? 4 : 2),
    );
  });
});

describe.each(ENGINES)('arrays, numbers and batches of SRTP: %s', (engine) => {
  const names = srtpSubject(engine, 1).calls.map((call) => call.name);
  test.each(names)('%s', (name) => {
    tryAll(
      worldsOf(engine, () => srtpSubject(engine, 1)),
      name,
      share(Number(engine === 'portable'), 6),
    );
  });
});

describe.each(ENGINES)('arrays for the ciphers alone: %s', (engine) => {
  const names = aeadSubject(engine, 1).calls.map((call) => call.name);
  test.each(names)('%s', (name) => {
    tryAll(
      worldsOf(engine, () => aeadSubject(engine, 1)),
      name,
      share(Number(engine === 'portable'), 2),
    );
  });

  const channel = enableEncryption(config('AES_128_GCM2'), { engine });
  const [sealer, opener] = [channel.createSealer(), channel.createOpener({ loopback: true })];
  const [aes, sm4] = [new AesGcm(bytes(16), { engine }), new Sm4Ecb(bytes(16), { engine })];
  const [nonce, aad] = [bytes(12), bytes(3)];
  const sealedAes = new Uint8Array(80);
  aes.seal(nonce, aad, bytes(64), sealedAes);
  const packet = rtp(bytes(52));
  const OVERLAPPING: [name: string, content: Uint8Array, call: (input: Uint8Array, out: Uint8Array) => number][] = [
    ['seal', packet, (input, out) => sealer.seal(input, out)],
    ['open', sealer.sealCopy(packet), (input, out) => opener.open(input, out)],
    ['sealBatch', packet, (input, out) => sealer.sealBatch([input], [out], new Int32Array(1))],
    ['AesGcm.seal', bytes(64), (input, out) => aes.seal(nonce, aad, input, out)],
    ['AesGcm.open', sealedAes, (input, out) => aes.open(nonce, aad, input, out)],
    ['Sm4Ecb.encryptBlocks', bytes(64), (input, out) => sm4.encryptBlocks(input, out)],
    ['Sm4Ecb.encrypt', bytes(64), (input, out) => sm4.encrypt(input, out)],
  ];
  const LIES: [name: string, property: (input: Uint8Array) => unknown][] = [
    ['byteOffset', (input) => input.byteOffset],
    ['byteOffset', () => 1_000_000],
    ['buffer', () => new ArrayBuffer(8)],
    ['constructor', () => Array],
  ];
  test.each(OVERLAPPING)('%s: no lie hides that out overlaps the input in part', (_, content, call) => {
    for (const [name, lie] of LIES) {
      const memory = new Memory(new Uint8Array(content.length + 48));
      const input = memory.view().subarray(0, content.length);
      const out = Object.defineProperty(memory.view().subarray(5), name, { value: lie(input) });
      expect(() => call(input, out), name).toThrow(RangeError);
      expect(memory.untouched, name).toBe(true);
    }
  });
});
