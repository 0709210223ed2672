/** Small parts of a fleet: settings, reports, troubles, the cached keyset, what a channel holds, a store in gateway.yaml. */
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Cached, KeysetCache } from '../../../src/cli/fleet/cache.js';
import { settingsOf } from '../../../src/cli/fleet/fleetfile.js';
import { heldBy } from '../../../src/cli/fleet/held.js';
import { recall } from '../../../src/cli/fleet/rotation.js';
import { type StoreSettings, settingsFaults, usesTls } from '../../../src/cli/fleet/settings.js';
import { type GatewayStatus, readStatus, statusText } from '../../../src/cli/fleet/status.js';
import { Troubles } from '../../../src/cli/fleet/troubles.js';
import { readGatewayFile } from '../../../src/cli/gateway/config/read.js';
import { key, reading } from './keysets.js';

const SETTINGS: StoreSettings = {
  servers: ['tls://10.0.0.2:4222'],
  bucket: 'frameseal',
  key: 'studio',
  identity: 'gateway.age',
  name: 'gw1',
};

describe('settings', () => {
  test('are taken', () => {
    expect(settingsFaults(SETTINGS)).toEqual([]);
    expect(
      settingsFaults({ ...SETTINGS, servers: ['nats://[::1]:4222', 'nats://a.example:4222'], ca: 'ca.pem' }),
    ).toEqual([]);
    expect(usesTls(SETTINGS)).toBe(true);
    expect(usesTls({ ...SETTINGS, servers: ['nats://a:1'] })).toBe(false);
  });

  test.each<[string, unknown]>([
    ['', 'a text'],
    ['servers', { ...SETTINGS, servers: [] }],
    ['servers', { ...SETTINGS, servers: ['10.0.0.2:4222'] }],
    ['servers', { ...SETTINGS, servers: ['tls://a:1', 'nats://b:1'] }],
    ['servers', { ...SETTINGS, servers: ['tls://user:password@a:1'] }],
    ['bucket', { ...SETTINGS, bucket: 'a.b' }],
    ['key', { ...SETTINGS, key: 'status' }],
    ['key', { ...SETTINGS, key: '>' }],
    ['identity', { ...SETTINGS, identity: undefined }],
    ['credentials', { ...SETTINGS, credentials: 7 }],
    ['name', { ...SETTINGS, name: 'a.b' }],
    ['password', { ...SETTINGS, password: 'x' }],
  ])('are refused: %s', (field, settings) => {
    expect(settingsFaults(settings).map((fault) => fault.field)).toContain(field);
  });
});

test('paths in the file of an operator are relative to its folder', async () => {
  const fleet = join(mkdtempSync(join(tmpdir(), 'frameseal-test-')), 'fleet.yaml');
  writeFileSync(fleet, JSON.stringify({ ...SETTINGS, credentials: '/etc/login', ca: 'tls/ca.pem' }));
  expect(await settingsOf({ fleet })).toEqual({
    ...SETTINGS,
    identity: join(dirname(fleet), 'gateway.age'),
    credentials: '/etc/login',
    ca: join(dirname(fleet), 'tls/ca.pem'),
  });
});

describe('gateway.yaml', () => {
  const yaml = (channels: unknown) =>
    JSON.stringify({
      channels,
      routes: [
        {
          name: 'a',
          inside: { listen: '127.0.0.1:5004', peer: '127.0.0.1:7004', clear: true },
          outside: { listen: '127.0.0.1:6004', peer: '127.0.0.1:8004', channel: 'studio' },
        },
      ],
    });
  const { name: _, ...nats } = SETTINGS;

  test('names a store in the place of a file; paths are relative to it', () => {
    const read = readGatewayFile(
      yaml({ studio: { nats: { ...nats, credentials: '/etc/login' } } }),
      '/etc/fs/gateway.yaml',
    );
    expect(read.faults).toEqual([]);
    const [channel] = read.model!.channels;
    expect(channel).toMatchObject({
      file: 'nats frameseal/studio',
      nats: { ...nats, identity: '/etc/fs/gateway.age', credentials: '/etc/login' },
    });
    expect(channel!.nats!.name).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test.each<[string, unknown, RegExp]>([
    ['both', { studio: { nats, file: 'a.json' } }, /channels\.studio: .*one place/],
    ['neither', { studio: { role: 'a' } }, /channels\.studio: .*one place/],
    ['a wrong store', { studio: { nats: { ...nats, bucket: 'a.b' } } }, /channels\.studio\.nats: bucket: expected/],
    [
      'two keysets under one name',
      { studio: { nats }, other: { nats: { ...nats, key: 'other' } } },
      /studio reports under the name/,
    ],
  ])('is refused with %s', (_, channels, words) => {
    const read = readGatewayFile(yaml(channels), 'gateway.yaml');
    expect(read.faults.join('\n')).toMatch(words);
  });
});

test('a report is read as it was written, and nothing else is', () => {
  const status: GatewayStatus = {
    key: 'studio',
    revision: 7,
    generation: 3,
    keyIds: [1, 2],
    sealing: 1,
    time: '2030-01-31T12:00:00.000Z',
  };
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
  expect(readStatus(Buffer.from(statusText(status)))).toEqual(status);
  expect(readStatus(bytes({ ...status, trouble: 'gone' }))!.trouble).toBe('gone');
  expect(readStatus(bytes({ ...status, trouble: '\x1b[31m' }))!.trouble).toBe('????m');
  for (const wrong of [
    null,
    [],
    { ...status, key: 1 },
    { ...status, revision: '7' },
    { ...status, revision: -1 },
    { ...status, generation: 2 ** 53 - 1 },
    { ...status, keyIds: [16] },
    { ...status, keyIds: [1, 1, 1, 1, 1] },
    { ...status, sealing: -1 },
    { ...status, time: 'now' },
  ])
    expect(readStatus(bytes(wrong))).toBeUndefined();
  expect(readStatus(Buffer.from('{'))).toBeUndefined();
});

describe('troubles', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('are reported when they begin and each minute, and counted once', () => {
    const told: string[] = [];
    const troubles = new Troubles((trouble, message) => told.push(`${trouble} ${message}`));
    expect(troubles.begin('gone', '1')).toBe(true);
    expect(troubles.begin('gone', '2')).toBe(false);
    vi.advanceTimersByTime(60_000);
    expect(troubles.begin('gone', '3')).toBe(false);
    expect(troubles.begin('missing', '4')).toBe(true);
    troubles.end();
    expect(troubles.now).toBeUndefined();
    expect(troubles.begin('missing', '5')).toBe(true);
    expect(told).toEqual(['gone 1', 'gone 3', 'missing 4', 'missing 5']);
    expect(troubles.counts).toEqual({ gone: 1, missing: 2 });
  });
});

describe('the cached keyset', () => {
  const cached: Cached = {
    revision: 7,
    value: Buffer.from('age'),
    memory: { sealing: 'a', live: ['a', 'b'], ended: ['c'] },
  };
  const folder = () => join(mkdtempSync(join(tmpdir(), 'frameseal-test-')), 'state');

  test('is read as it was written last, by its owner alone', async () => {
    const failed = vi.fn();
    const cache = new KeysetCache(folder(), SETTINGS, failed);
    expect(await cache.read()).toBeUndefined();
    for (let revision = 1; revision <= 7; revision++) cache.write({ ...cached, revision });
    await cache.settled();
    expect(await cache.read()).toEqual(cached);
    expect(statSync(cache.path).mode & 0o777).toBe(0o600);
    expect(readFileSync(cache.path, 'utf8')).not.toContain('sealFrom');
    expect(failed).not.toHaveBeenCalled();
  });

  test('that is damaged, or that others reach, is not used', async () => {
    const cache = new KeysetCache(folder(), SETTINGS, () => {});
    cache.write(cached);
    await cache.settled();
    const damaged = [{ live: [7] }, { ended: [null] }, { sealing: null }].map((wrong) => ({
      ...JSON.parse(readFileSync(cache.path, 'utf8')),
      memory: { ...cached.memory, ...wrong },
    }));
    for (const content of [{ version: 1 }, ...damaged]) {
      writeFileSync(cache.path, JSON.stringify(content));
      await expect(cache.read()).rejects.toThrow('is damaged');
    }
    cache.write(cached);
    await cache.settled();
    chmodSync(cache.path, 0o644);
    await expect(cache.read()).rejects.toThrow(/cannot be used: other users can reach the key in it .*chmod 600 \S+$/);
  });

  test('is not that of another bucket whose name and key read the same in a row', () => {
    const pathOf = (bucket: string, key: string) => new KeysetCache('s', { ...SETTINGS, bucket, key }, () => {}).path;
    expect(pathOf('a-b', 'c')).not.toBe(pathOf('a', 'b-c'));
  });

  test('is as large as a store takes', async () => {
    const failed = vi.fn();
    const cache = new KeysetCache(folder(), SETTINGS, failed);
    const large = { ...cached, value: Buffer.alloc(1_048_576, 'a') };
    cache.write(large);
    await cache.settled();
    expect(large.value.equals((await cache.read())!.value)).toBe(true);
  });

  test('is written although a process of the same number has left its temporary file', async () => {
    const failed = vi.fn();
    const cache = new KeysetCache(folder(), SETTINGS, failed);
    cache.write(cached);
    await cache.settled();
    writeFileSync(`${cache.path}.${process.pid}.tmp`, 'half');
    cache.write({ ...cached, revision: 8 });
    await cache.settled();
    expect((await cache.read())?.revision).toBe(8);
    expect(failed).not.toHaveBeenCalled();
  });

  test('that cannot be written is reported', async () => {
    const failed = vi.fn();
    const path = folder();
    writeFileSync(path, 'a file where the folder should be');
    const cache = new KeysetCache(path, SETTINGS, failed);
    cache.write(cached);
    await cache.settled();
    expect(failed).toHaveBeenCalledWith(expect.stringMatching(/cannot be written/));
  });
});

test('a channel holds all keys that open, and knows the one that seals next', () => {
  const read = reading(1, [key(1, 1000), key(2, 9000), key(3)]);
  const known = recall(read, { sealing: '', live: [], ended: [] });
  const held = heldBy({ ...known, sealing: known.live[0]!.id }, 5000);
  expect(held.keys.map(({ keyId }) => keyId)).toEqual([1, 2, 3]);
  expect(held).toMatchObject({ sealing: 1, next: { keyId: 2, sealsAtMs: 9000 } });
});
