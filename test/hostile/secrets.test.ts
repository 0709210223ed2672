/**
 * After close a process holds nothing of its keys: not the caller's bytes, once the caller has wiped them, nor
 * frame keys, round keys and GHASH tables. Each is searched for in the engine's own form, and must be
 * found before `close`: this shows that the search works. Linux only.
 *
 * Keys are given as bytes: a string cannot be wiped, and SECURITY.md says so.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { GCM_MODES } from '../support/channel.js';
import { ENGINES, type EngineName } from '../support/engines.js';
import { keySchedule } from '../support/key-schedule.js';
import { findInProcess, type Needles } from '../support/process-memory.js';
import { SrtpReference } from '../support/srtp.js';
import * as keys from './secrets/keys.js';
import { gcmSlot, sm4Slot } from './secrets/slots.js';

const CHILD = fileURLToPath(new URL('secrets/child.mjs', import.meta.url));
/** No collection while the child runs: a copy that is found was made by the library, and not by the collector. */
const QUIET = ['--min-semi-space-size=16', '--max-semi-space-size=16'];
/** The seed of each key of the child, and the KID that its sealer draws under it. */
const EPOCHS = [
  { seed: 1, kid: Buffer.from('0123456723456789', 'hex') },
  { seed: 3, kid: Buffer.from('112345672345678a', 'hex') },
];

type Entries = [name: string, bytes: Uint8Array][];
const named = (name: string, entries: Iterable<[string | number, Uint8Array]>): Entries =>
  [...entries].map(([of, bytes]) => [`${name} ${of}`, bytes]);

/** An engine's data of an AES-GCM key. */
function gcmForms(engine: EngineName, key: Uint8Array): Entries {
  const round = keys.roundKeys(key);
  if (engine === 'portable') {
    return [
      ...named('words of round key', round.map(keys.inWords).entries()),
      ['words of H', keys.inWords(keys.hashKey(key))],
    ];
  }
  return [
    ['rows of round key 0', keys.inRows(round[0]!)],
    ...named('planes of round key', round.map(keys.inPlanes).entries()).slice(1),
    ...named('table of H', keys.hashTables(key).entries()),
    ...gcmSlot(key),
  ];
}

function sm4Forms(engine: EngineName, key: Uint8Array): Entries {
  if (engine === 'simd') return [...sm4Slot(key)];
  const forwards = keys.inWords(keys.sm4RoundKeys(key));
  const backwards = Uint8Array.from({ length: 128 }, (_, i) => forwards[124 - (i & ~3) + (i & 3)]!);
  return [
    ['words of round keys', forwards],
    ['words of round keys, backwards', backwards],
  ];
}

/** By what the child does: what must be in it while it works; and more that must not be in it when it has closed. */
function secretsOf(mode: string | undefined, engine: EngineName): { held: Entries; never: Entries } {
  if (mode === 'SM4_128_ECB') {
    const key = keys.made(1, 16);
    return { held: [['encryptionKey', key], ...sm4Forms(engine, key)], never: [['words of key', keys.inWords(key)]] };
  }
  if (mode === undefined) {
    const [small, large, sm4] = [keys.made(1, 16), keys.made(2, 32), keys.made(3, 16)];
    const held = [
      ...named('AES-128', [['key', small], ...gcmForms(engine, small)]),
      ...named('AES-256', [['key', large], ...gcmForms(engine, large)]),
      ...named('SM4', [['key', sm4], ...sm4Forms(engine, sm4)]),
    ];
    return { held, never: [] };
  }
  if (mode === 'SRTP') {
    const master = { suite: 'AEAD_AES_128_GCM', masterKey: keys.made(1, 16), masterSalt: keys.made(2, 12) } as const;
    const { srtp, srtcp } = new SrtpReference(master);
    const held = [
      ...named('master', [['key', master.masterKey]]),
      ...named('SRTP', gcmForms(engine, srtp.key)),
      ...named('SRTCP', gcmForms(engine, srtcp.key)),
    ];
    const never = [
      ...named('SRTP', [
        ['key', srtp.key],
        ['salt', srtp.salt],
        ['words of salt', keys.inWords(srtp.salt)],
      ]),
      ...named('SRTCP', [
        ['key', srtcp.key],
        ['salt', srtcp.salt],
        ['words of salt', keys.inWords(srtcp.salt)],
      ]),
      ...named('master', gcmForms(engine, master.masterKey)),
    ];
    return { held, never };
  }
  const held: Entries = [];
  const never: Entries = [];
  for (const { seed, kid } of EPOCHS) {
    const [key, salt] = [keys.made(seed, 32), keys.made(seed + 1, 32)];
    const { prk, baseKey, secret, frameKey } = keySchedule(mode, key, salt, kid);
    held.push(
      ...named(`seed ${seed}:`, [['encryptionKey', key], ['encryptionKdfSalt', salt], ...gcmForms(engine, frameKey)]),
    );
    never.push(
      ...named(`seed ${seed}:`, [
        ['prk', prk],
        ['base key', baseKey],
        ['secret', secret],
        ['frame key', frameKey],
        ...named('round key', keys.roundKeys(frameKey).slice(1).entries()),
      ]),
    );
  }
  return { held, never };
}

/** Findings in a child while it works, and after it has closed. */
async function look(job: object, needles: Needles): Promise<{ open: string[]; closed: string[] }> {
  const child = spawn(process.execPath, [...QUIET, CHILD, JSON.stringify(job)], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    expect(String(await once(child.stdout, 'data'))).toBe('1');
    const open = findInProcess(child.pid!, needles);
    child.stdin.write('.');
    expect(String(await once(child.stdout, 'data'))).toBe('2');
    return { open, closed: findInProcess(child.pid!, needles) };
  } finally {
    child.kill();
  }
}

const CASES = ENGINES.flatMap((engine) =>
  [...GCM_MODES, 'SM4_128_ECB', 'SRTP', undefined].map((mode) => [engine, mode ?? 'bare ciphers', mode] as const),
);

describe.skipIf(process.platform !== 'linux')('nothing of a key is left in memory after close', () => {
  test.each(CASES)('%s, %s', async (engine, _, mode) => {
    const { held, never } = secretsOf(mode, engine);
    const { open, closed } = await look({ mode, engine }, new Map([...held, ...never]));
    expect(held.map(([name]) => name).filter((name) => !open.includes(name))).toEqual([]);
    expect(closed).toEqual([]);
  });
});
