/** An operator whose store loses answers: what was done counts, what was not is tried again, and another operator's keyset stays. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { newIdentity } from '../../../src/cli/fleet/age.js';
import { Bucket, type Entry, StoreError } from '../../../src/cli/fleet/nats.js';
import { Operator } from '../../../src/cli/fleet/operator.js';
import { key, keyset } from './keysets.js';

const folder = mkdtempSync(join(tmpdir(), 'frameseal-operator-'));
const settings = {
  servers: ['nats://127.0.0.1:1'],
  bucket: 'b',
  key: 'studio',
  name: 'operator',
  identity: `${folder}/id`,
};
const first = keyset([key(0)]);
const second = keyset([key(1)]);
const lost = () => new StoreError('gone', 'the store does not answer (TimeoutError)', true);

beforeAll(async () => writeFileSync(settings.identity, (await newIdentity()).text, { mode: 0o600 }));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** A bucket of one key; each call of `losing` says whether the answer to the next put is lost, after it was done or before. */
async function operatorOf(losing: ('done' | 'undone')[]) {
  let entry: Entry = { revision: 0, value: new Uint8Array(0), createdMs: 0 };
  const puts = { count: 0 };
  const bucket = {
    get: async () => entry,
    update: async (_: string, value: Uint8Array, revision: number) => {
      puts.count++;
      const loss = losing.shift();
      if (loss === 'undone') throw lost();
      if (revision !== entry.revision) throw new StoreError('conflict', 'another operator has changed the entry');
      entry = { revision: revision + 1, value, createdMs: 0 };
      if (loss === 'done') throw lost();
      return entry.revision;
    },
  } as unknown as Bucket;
  vi.spyOn(Bucket, 'open').mockRejectedValueOnce(lost()).mockResolvedValue(bucket);
  return { operator: await Operator.open(settings), puts };
}

test.each([
  [[], 1],
  [['undone' as const], 2],
  [['done' as const], 2],
  [['undone' as const, 'done' as const], 3],
])('answers that are lost: %j', async (losing, tries) => {
  const { operator, puts } = await operatorOf(losing);
  expect(await operator.update(first, { revision: 0, keyset: first })).toBe(1);
  expect(puts.count).toBe(tries);
  expect((await operator.read()).keyset).toEqual(first);
});

test("another operator's keyset stays, and a store that never answers is given up", async () => {
  const { operator, puts } = await operatorOf([]);
  await operator.update(second, { revision: 0, keyset: first });
  await expect(operator.update(first, { revision: 0, keyset: first })).rejects.toThrow('another operator');
  expect((await operator.read()).keyset).toEqual(second);
  const silent = await operatorOf(['undone', 'undone', 'undone']);
  await expect(silent.operator.update(first, { revision: 0, keyset: first })).rejects.toThrow('does not answer');
  expect([puts.count, silent.puts.count]).toEqual([2, 3]);
});
