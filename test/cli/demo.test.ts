/** The demo and verify, as they are run. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Phone } from '../../src/cli/demo/phone.js';
import { bar, number, table } from '../../src/cli/terminal.js';
import { BAD_TAG, describe as describeStatus } from '../../src/index.js';
import { frameseal, pause, rtp, temporaryFile } from '../support/cli.js';

describe('demo', () => {
  it('adds up', () => {
    const { status, stdout } = frameseal(['demo', '--speed', '10', '--json']);
    expect(status).toBe(0);
    const { ok, legs, a, b, stranger, keyIds } = JSON.parse(stdout);
    expect(ok).toBe(true);
    expect(legs.map(({ name }: { name: string }) => name)).toEqual(['there', 'back', 'old phone']);
    for (const { sent, arrived, rtcp, identical, faults, refused } of legs) {
      expect(sent).toBe(499);
      expect(identical).toBe(arrived + rtcp);
      expect(refused.REPLAYED ?? 0).toBe(faults.repeated);
      const { REPLAYED: _repeated, TOO_OLD = 0, ...damaged } = refused as Record<string, number>;
      expect(Object.values(damaged).reduce((sum, count) => sum + count, 0)).toBe(faults.damaged);
      expect(arrived + rtcp).toBe(sent - faults.dropped - faults.damaged - TOO_OLD);
    }
    expect(keyIds).toEqual([0, 1]);
    expect(a.channels[0]).toMatchObject({ keyId: 1, role: 'a', context: 'room 7' });
    expect(b.channels[0].opens).toBe(a.channels[0].fingerprint);
    const { ok: opened = 0, BAD_TAG } = stranger.routes[0].outside.in.packets;
    expect(opened).toBe(0);
    expect(BAD_TAG).toBeGreaterThan(50);
  });

  it('prints a summary for people', () => {
    const { status, stdout } = frameseal(['demo', '--speed', '20', '--mode', 'AES_128_GCM2']);
    expect(status).toBe(0);
    expect(stdout).toContain('every packet that arrived is identical');
    for (const word of ['REPLAYED', 'BAD_TAG', 'dropped', 'p99', 'http://127.0.0.1:', 'SM4_128_ECB', 'key id 1'])
      expect(stdout).toContain(word);
    expect(stdout).toContain(describeStatus(BAD_TAG));
  });

  it('notices a packet that differs, and one that comes twice', async () => {
    const [phone, other] = [await Phone.open(), await Phone.open()];
    const recorded = (payload: Uint8Array) => ({ timeNs: 0n, source: undefined, destination: undefined, payload });
    const altered = rtp(1);
    altered[20]! ^= 1;
    phone.expect([rtp(1), rtp(2)].map(recorded));
    await other.play([altered, rtp(2), rtp(2)].map(recorded), phone.port, 1);
    for (let i = 0; phone.received < 3 && i < 400; i++) await pause(5);
    expect(phone).toMatchObject({ packets: 3, identical: 1 });
    for (const each of [phone, other]) each.close();
  });
});

describe('on a terminal', () => {
  /** Runs the command under util-linux's script, which gives it a terminal of 100 columns. */
  const onTerminal = (command: string) =>
    spawnSync('script', ['-qec', `stty cols 100; ${process.execPath} src/cli/dist/main.js ${command}`, '/dev/null'], {
      encoding: 'utf8',
      cwd: new URL('../..', import.meta.url).pathname,
      // Colours are for terminals that have them, and not for CI.
      env: { ...process.env, TERM: 'xterm', CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined },
    });
  const hasScript = spawnSync('script', ['--version']).status === 0;

  it.skipIf(!hasScript)('the demo shows its progress, and wipes it away', () => {
    const { stdout, status } = onTerminal('demo --speed 20');
    expect(status).toBe(0);
    expect(stdout).toMatch(/call {2}\[#{10,31}-*\] \d+%/);
    expect(stdout).toContain(`call  [${'#'.repeat(32)}] 100%\r\x1b[K`);
  });

  it.skipIf(!hasScript)('an error is coloured; in a pipe it is not', () => {
    expect(onTerminal('fingerprint --config /nonexistent.json').stdout).toContain('\x1b[31mframeseal:');
    expect(frameseal(['fingerprint', '--config', '/nonexistent.json']).stderr).not.toContain('\x1b');
  });
});

describe('verify', () => {
  const fixture = new URL('../../fixtures/sp800-38d.json', import.meta.url).pathname;

  it('agrees with a file, on a terminal and for machines', () => {
    const text = frameseal(['verify', fixture]);
    expect(text.status).toBe(0);
    expect(text.stdout).toContain('32 agree, 0 disagree');
    const json = frameseal(['verify', '--json', '--engine', 'portable', fixture]);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, reports: [{ engine: 'portable', agreed: 32 }] });
  });

  it('ends with 1 where one disagrees, and gives a reproduction that disagrees alone', () => {
    const broken = temporaryFile('broken.json');
    const file = JSON.parse(readFileSync(fixture, 'utf8'));
    file.cases[3].tag = file.cases[3].tag.replace(/.$/, (digit: string) => (digit === '0' ? '1' : '0'));
    writeFileSync(broken, JSON.stringify(file));
    const { status, stdout } = frameseal(['verify', '--json', broken]);
    expect(status).toBe(1);
    const [{ disagreements }] = JSON.parse(stdout).reports;
    expect(disagreements.length).toBe(1);
    expect(disagreements[0]).toMatchObject({ kind: 'gcm', what: 'sealed' });
    const alone = temporaryFile('alone.json');
    writeFileSync(alone, disagreements[0].reproduction);
    expect(frameseal(['verify', alone])).toMatchObject({ status: 1 });
  });

  it('ends with 2 for what is no vector file', () => {
    expect(frameseal(['verify', new URL(import.meta.url).pathname])).toMatchObject({ status: 2 });
    expect(frameseal(['verify', '/nonexistent.json'])).toMatchObject({ status: 2 });
    expect(frameseal(['verify'])).toMatchObject({ status: 2 });
  });
});

describe('text for people', () => {
  it('lines numbers up on the right and words on the left', () => {
    expect(
      table([
        ['', 'packets'],
        ['sent', '5'],
        ['received', '1,234'],
      ]),
    ).toBe('            packets\n  sent            5\n  received    1,234\n');
  });

  it('groups digits, and draws bars', () => {
    expect([number(1234567), number(1.25, 1)]).toEqual(['1,234,567', '1.3']);
    expect([bar(0, 4), bar(0.5, 4), bar(2, 4)]).toEqual(['----', '##--', '####']);
  });
});
