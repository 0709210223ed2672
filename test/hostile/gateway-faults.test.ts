/**
 * Faults around a gateway: its configuration, its addresses, its log, its receiver, itself. Each fault ends it with a
 * message and an exit code, or media continues. Usage errors are in test/cli/gateway/shortform.test.ts; load and loss are in
 * `npm run hostile -- gateway`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type GatewayProcess, LOOPBACK, onLoopback, type ProcessOptions } from '../../src/cli/gateway/process.js';
import {
  channelOf,
  configFile,
  frameseal,
  freePorts,
  Mailbox,
  newConfig,
  pause,
  rtp,
  spawnGateway,
  startGateway,
  temporaryFile,
} from '../support/cli.js';
import { Ledger, readRtpName } from './ledger.js';

const CLI = fileURLToPath(new URL('../../src/cli/dist/main.js', import.meta.url));
const FULL = '/dev/full';
const STACK_TRACE = /\n\s+at /;

const at = (port: number) => `${LOOPBACK}:${port}`;
const sealBetween = (entry: number, exit: number) => [...onLoopback('seal', entry, exit), '--rtcp-port', 'same'];
const openBetween = (entry: number, exit: number) => [...onLoopback('open', entry, exit), '--rtcp-port', 'same'];
const totals = (running: GatewayProcess) => running.events.at(-1) as Record<string, Record<string, number> & number>;

/** Sends packets until one comes out. */
async function passes(sender: Mailbox, entry: number, receiver: Mailbox): Promise<void> {
  const before = receiver.received.length;
  for (let i = 0; receiver.received.length === before; i++) {
    expect(i, 'packets sent and none out').toBeLessThan(400);
    await sender.send(entry, [rtp(i)]);
    await pause(25);
  }
}

describe('a disk that is full', () => {
  /** A gateway with streams of its own, and packets through it. */
  async function logging(options: ProcessOptions, config = configFile(), more: string[] = []) {
    const [entry, exit] = [await freePorts(), await freePorts()];
    const [receiver, sender] = [await Mailbox.open(exit), await Mailbox.open(0)];
    const running = spawnGateway([...sealBetween(entry, exit), '--config', config, ...more], options);
    return { running, passes: () => passes(sender, entry, receiver) };
  }

  it.skipIf(!existsSync(FULL))(
    'for the log does not stop media; it is reported once, and in the exit code',
    async () => {
      const { running, passes } = await logging({ stdout: openSync(FULL, 'w') });
      await passes();
      // A line a second is written, or would be.
      await pause(1100);
      await passes();
      expect(await running.end()).toBe(1);
      expect(running.stderr.match(/cannot write to stdout \(ENOSPC\)/g)).toHaveLength(1);
      expect(running.stderr).not.toMatch(STACK_TRACE);
    },
  );

  it('or a reader of the log that has ended: neither stops media', async () => {
    const { running, passes } = await logging({});
    await passes();
    running.child.stdout!.destroy();
    await pause(1100);
    await passes();
    expect(await running.end()).toBe(1);
    expect(running.stderr.match(/cannot write to stdout \(EPIPE\)/g)).toHaveLength(1);
  });

  it.skipIf(!existsSync(FULL))('for warnings does not stop media either', async () => {
    const readable = temporaryFile('readable.json');
    writeFileSync(readable, JSON.stringify(newConfig()), { mode: 0o644 });
    const { running, passes } = await logging({ stderr: openSync(FULL, 'w') }, readable, ['--insecure-config']);
    await passes();
    expect(await running.end()).toBe(0);
  });

  it.skipIf(!existsSync(FULL))('for a result is a failure, with a message', () => {
    const stdio = ['ignore', openSync(FULL, 'w'), 'pipe'] as const;
    const { status, stderr } = spawnSync(process.execPath, [CLI, 'keygen'], { stdio: [...stdio], encoding: 'utf8' });
    expect(stderr).toContain('ENOSPC');
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(status).toBe(1);
  });
});

describe('a forward host', () => {
  it('without a receiver is reported once and counted, and gets its stream when there is one', async () => {
    const [entry, exit] = [await freePorts(), await freePorts()];
    const sealing = await startGateway(...sealBetween(entry, exit), '--config', configFile());
    const sender = await Mailbox.open(0);
    for (let i = 0; i < 10; i++) {
      await sender.send(entry, [rtp(i)]);
      await pause(10);
    }
    const receiver = await Mailbox.open(exit);
    await passes(sender, entry, receiver);
    expect(await sealing.end()).toBe(0);
    expect(sealing.stderr.match(/warning: .*ECONNREFUSED/g)).toHaveLength(1);
    expect(sealing.stderr).toContain(`no receiver at ${at(exit)} (ECONNREFUSED)`);
    const { received, forwarded, sendErrors, socketErrors } = totals(sealing);
    expect(socketErrors).toBeGreaterThan(0);
    // Reports of the network are not datagrams: no packet is counted twice.
    expect(forwarded!['packets']! + sendErrors!).toBe(received!['packets']);
  });

  it.each(['--forward', '--listen'])('or a listening one without an address ends %s with what to do', (option) => {
    // Longer than a DNS name may be, so the system sends no DNS query.
    const addresses = { '--listen': at(0), '--forward': at(6004), [option]: `${'x'.repeat(70)}.invalid:6004` };
    const { status, stderr } = frameseal([
      'gateway',
      '--seal',
      '--config',
      configFile(),
      '--from',
      'any',
      ...Object.entries(addresses).flat(),
    ]);
    expect(stderr).toMatch(/the name; .*give the address/);
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(status).toBe(1);
  });

  it('an address of another machine to listen on ends it with what to do', () => {
    const args = ['--listen', '192.0.2.1:5004', '--forward', at(6004), '--from', 'any'];
    const { status, stderr } = frameseal(['gateway', '--seal', '--config', configFile(), ...args]);
    expect(stderr).toContain('this machine has no such address');
    expect(status).toBe(1);
  });
});

describe('a packet that the system does not send', () => {
  it('is dropped, counted and reported once; others go on', async () => {
    const [entry, exit] = [await freePorts(), await freePorts()];
    const sealing = await startGateway(...sealBetween(entry, exit), '--config', configFile());
    const [sender, receiver] = [await Mailbox.open(0), await Mailbox.open(exit)];
    // Sealed, they pass the 65,507 bytes of a datagram.
    await sender.send(entry, [rtp(1, 65_490), rtp(2, 65_490), rtp(3)]);
    expect((await receiver.wait(1))[0]?.readUInt16BE(2)).toBe(3);
    await sealing.end();
    expect(totals(sealing)).toMatchObject({ received: { packets: 3 }, forwarded: { packets: 1 }, sendErrors: 2 });
    expect(sealing.stderr.match(/warning: .*EMSGSIZE/g)).toHaveLength(1);
  });
});

describe('a configuration', () => {
  const KEY = 'c0ffee11'.repeat(8);
  const good = { encryptionMode: 'AES_128_GCM2', encryptionKey: KEY, encryptionKdfSalt: newConfig().encryptionKdfSalt };
  const bad: [name: string, text: string, message: RegExp][] = [
    ['cut short', JSON.stringify(good).slice(0, -30), /not right JSON/],
    ['of noise', '\u0000\ufffd\u0007'.repeat(50), /not right JSON/],
    ['without a mode', JSON.stringify({ ...good, encryptionMode: undefined }), /encryptionMode/],
    ['with a mistyped field', JSON.stringify({ ...good, encryptionkey: KEY }), /encryptionKey/],
    ['with a short key', JSON.stringify({ ...good, encryptionKey: KEY.slice(1) }), /encryptionKey/],
  ];
  it.each(bad)('%s ends it with exit code 2, a message, and nothing of the key', (_, text, message) => {
    const { status, stderr } = frameseal(['gateway', ...sealBetween(0, 6004), '--config', fileOf(text)]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(stderr).not.toContain('c0ffee11');
    expect(status).toBe(2);
  });

  it('that cannot be read ends it with exit code 2', () => {
    const directory = mkdtempSync(`${tmpdir()}/frameseal-test-`);
    const { status, stderr } = frameseal(['gateway', ...sealBetween(0, 6004), '--config', directory]);
    expect(stderr).toContain(`cannot read the configuration ${directory}`);
    expect(status).toBe(2);
  });

  it('that cannot be used changes nothing at a reload, and is reported', async () => {
    const [entry, exit] = [await freePorts(), await freePorts()];
    const config = newConfig();
    const file = configFile(config);
    const sealing = await startGateway(...sealBetween(entry, exit), '--config', file);
    const [sender, receiver] = [await Mailbox.open(0), await Mailbox.open(exit)];
    const opener = channelOf(config).createOpener();
    const unfit: [text: string, why: string][] = [
      ['no longer JSON', 'is not right JSON'],
      ['null', 'expected an object'],
      [JSON.stringify({ ...good, encryptionKey: KEY.slice(1), keyId: 1 }), 'encryptionKey'],
      [JSON.stringify({ ...good, encryptionMode: 'AES_256_GCM2', keyId: 1 }), 'a channel keeps its mode'],
      [JSON.stringify(good), 'keyId 0 belongs to a key that is live'],
      [JSON.stringify({ ...config, keyId: 1 }), 'were live in this channel before'],
    ];
    for (const [i, [text, why]] of unfit.entries()) {
      const reported = sealing.stderr.length;
      writeFileSync(file, text);
      sealing.child.kill('SIGHUP');
      while (sealing.stderr.length === reported) await pause(5);
      expect(sealing.stderr.slice(reported)).toContain('the configuration is not taken, and nothing changes');
      expect(sealing.stderr.slice(reported)).toContain(why);
      await sender.send(entry, [rtp(i)]);
      const sealed = (await receiver.wait(i + 1))[i];
      expect(Buffer.from(opener.openCopy(sealed!)).equals(rtp(i))).toBe(true);
    }
    expect(sealing.stderr).not.toMatch(STACK_TRACE);
    expect(sealing.stderr).not.toContain('c0ffee11');
    expect(await sealing.end()).toBe(0);
  });

  function fileOf(text: string): string {
    const file = temporaryFile('bad.json');
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }
});

describe('kill -9', () => {
  it('of a sealing gateway: its successor repeats no nonce, and the opening one takes its frames at once', async () => {
    const config = configFile();
    const [entry, middle, exit] = [await freePorts(), await freePorts(), await freePorts()];
    const [sender, wire, receiver] = [await Mailbox.open(0), await Mailbox.open(middle), await Mailbox.open(exit)];
    const opening = await startGateway(...openBetween(0, exit), '--config', config);
    const ledger = new Ledger();
    for (let life = 0; life < 3; life++) {
      const sealing = await startGateway(...sealBetween(entry, middle), '--config', config);
      const packets = Array.from({ length: 50 }, (_, i) => rtp(50 * life + i));
      await sender.send(entry, packets);
      const sealed = (await wire.wait(50)).splice(0);
      for (const packet of sealed) ledger.note(readRtpName(packet));
      await sender.send(opening.port, sealed);
      expect(await sealing.end('SIGKILL')).toBe(null);
    }
    expect((await receiver.wait(150)).map((packet) => packet.readUInt16BE(2))).toEqual([...Array(150).keys()]);
    expect(ledger).toMatchObject({ frames: 150, repeats: 0, sessions: 3 });
  });
});
