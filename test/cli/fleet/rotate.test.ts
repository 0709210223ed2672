/** A rotation as an operator runs it, with an operator that has no store: who is waited for, who stands against it, times. */
import { expect, test } from 'vitest';
import { type Keyset, type KeysetKey, sealFromMs } from '../../../src/cli/fleet/document.js';
import type { Head, Operator, Report } from '../../../src/cli/fleet/operator.js';
import { type RotateEvent, Rotation, silentGateways, withoutReader } from '../../../src/cli/fleet/rotate.js';
import { key, keyset } from './keysets.js';

const RECIPIENTS = ['q', 'p', 'z', 'r'].map((letter) => `age1${letter.repeat(58)}`);
const [ONE, TWO, THREE] = RECIPIENTS as [string, string, string];

const begun = (keyId: number) => ({ ...key(keyId), sealFrom: new Date(Date.now() - 1000).toISOString() });
const report = (name: string, more: Partial<Report> = {}): Report => ({
  name,
  key: 'studio',
  revision: 1,
  generation: 0,
  keyIds: [0],
  sealing: 0,
  time: new Date().toISOString(),
  createdMs: Date.now(),
  isRecent: true,
  ...more,
});

/** Runs a rotation without new reports; returns keysets that were put, events, and the error. */
async function rotated(
  head: Head,
  reports: Report[],
  options: { revoked?: string; resume?: boolean; force?: boolean },
) {
  const put: Keyset[] = [];
  const events: RotateEvent[] = [];
  const operator = {
    reports,
    read: async () => head,
    update: async (next: Keyset) => head.revision + put.push(next),
  } as unknown as Operator;
  const { revoked, resume, force } = options;
  const rotation = new Rotation(
    operator,
    head,
    { leadMs: 0, waitMs: 0, ifMissing: force ? 'go-on' : 'stop', ...(revoked !== undefined && { revoked }) },
    (event) => events.push(event),
  );
  const error = await (resume ? rotation.resume() : rotation.run()).then(
    () => undefined,
    (reason: Error) => reason.message,
  );
  return { put, events, error };
}

test('a gateway that is revoked is not waited for, one whose name only begins like its is', async () => {
  const head = { revision: 1, keyset: keyset([begun(0)], { gateways: { 'gw1-b': TWO } }) };
  const { error } = await rotated(head, [report('gw1'), report('gw1-7'), report('gw1-b')], { revoked: 'gw1' });
  expect(error).toMatch(/^gw1-b: do not have the new key/);
});

test('a gateway reports for the longest name that its own begins with', () => {
  const { keys } = keyset([begun(0)]);
  const both = keyset(keys, { gateways: { gw1: ONE, 'gw1-b': TWO } });
  expect(silentGateways(both, [report('gw1-b-2')])).toEqual(['gw1']);
  expect(silentGateways(both, [report('gw1-2')])).toEqual(['gw1-b']);
});

test('a gateway that claims a newer revision does not stand in the way of its own revocation', async () => {
  const head = { revision: 1, keyset: keyset([begun(0)], { gateways: { gw2: TWO } }) };
  const liar = report('gw1', { revision: Number.MAX_SAFE_INTEGER });
  expect((await rotated(head, [liar], { revoked: 'gw1' })).error).toBeUndefined();
  expect((await rotated(head, [liar], {})).error).toMatch(
    /set back: it has revision 1 of generation 0, and gw1 has 9007199254740991 of 0/,
  );
});

test('a keyset begins anew behind every generation that a gateway has: that of a fast clock too', async () => {
  const later = Math.floor(Date.now() / 1000) + 86_400;
  const head = { revision: 7, keyset: keyset([begun(0)], { generation: later - 100 }) };
  const gateway = report('gw1', { revision: 3, generation: later, keyIds: [0, 1], sealing: 1 });
  expect((await rotated(head, [gateway], {})).error).toMatch(/gw1 has 3 of/);
  const { put } = await rotated(head, [gateway], { force: true });
  expect(put[0]!.generation).toBe(later + 1);
  // Older revisions of a generation of before are no trouble.
  expect((await rotated(head, [report('gw1', { revision: 9 })], { force: true })).put[0]!.generation).toBe(later - 100);
});

test('a time of an operator whose clock was fast is replaced', async () => {
  const farMs = Date.now() + 3_600_000;
  const far = (keyId: number) => ({ ...key(keyId), sealFrom: new Date(farMs).toISOString() });
  for (const keys of [
    [far(0), key(1)],
    [begun(0), far(1)],
  ]) {
    const sealing = report('gw1', { keyIds: [0, 1], sealing: 1 });
    const { put, error } = await rotated({ revision: 1, keyset: keyset(keys) }, [sealing], { resume: true });
    expect(error).toBeUndefined();
    const [old, next] = put[0]!.keys as [KeysetKey, KeysetKey];
    expect(sealFromMs(next)).toBeLessThanOrEqual(Date.now());
    expect(sealFromMs(old)).toBeLessThan(sealFromMs(next));
    expect(put.at(-1)!.keys).toHaveLength(1);
  }
});

test('a reader is taken out with all that it can read', () => {
  const { keys } = keyset([begun(0)]);
  const all = keyset(keys, { gateways: { gw1: ONE, gw2: TWO }, operators: { second: THREE } });
  expect(withoutReader(all, 'gw1')).toMatchObject({ gateways: { gw2: TWO }, operators: { second: THREE } });
  expect(withoutReader(all, 'second').operators).toEqual({});
  expect(() => withoutReader(all, 'constructor')).toThrow(
    'no gateway or operator has the name constructor; there are: gw1, gw2, second',
  );
  const shared = keyset(keys, { gateways: { gw1: ONE, gw2: ONE } });
  expect(() => withoutReader(shared, 'gw1')).toThrow('gw2 has the identity of gw1');
});
