/** `frameseal seal` and `frameseal open` on recordings, as users run them. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RecordingWriter, readPackets, udpPacket } from '../../src/recording/recording.js';
import { concat } from '../support/arrays.js';
import { CLI, configFile, frameseal, newConfig, pause, RECEIVER_REPORT, rtp, temporaryFile } from '../support/cli.js';

const RECORDING = new URL('../../fixtures/recording.pcap', import.meta.url).pathname;
const ALL = 499;
const SDES = `a=crypto:1 AEAD_AES_256_GCM inline:${Buffer.alloc(44, 7).toString('base64')}\n`;

/** A recording of these payloads from and to these ports. */
function recordingOf(payloads: readonly Uint8Array[], port = 5004): string {
  const writer = new RecordingWriter('pcapng');
  const records = payloads.map((payload, i) => {
    const [source, destination] = [40_000, port].map((each) => ({ address: '192.0.2.1', port: each }));
    return writer.packet(BigInt(i) * 20_000_000n, udpPacket({ source, destination, payload }));
  });
  const file = temporaryFile('in.pcapng');
  writeFileSync(file, concat(writer.start(), ...records));
  return file;
}

function payloadsOf(file: string): Buffer[] {
  return [...readPackets([readFileSync(file)])].map(({ payload }) => Buffer.from(payload));
}

function streamsOf(stdout: string) {
  return JSON.parse(stdout);
}

describe('a recording', () => {
  const config = configFile();
  const sealed = temporaryFile('sealed.pcap');
  const opened = temporaryFile('opened.pcap');

  it('is sealed, and comes back byte for byte', () => {
    const run = frameseal(['seal', RECORDING, sealed, '--config', config]);
    expect(run).toMatchObject({ status: 0, stdout: '' });
    expect(run.stderr).toContain(`${ALL} of ${ALL} RTP and RTCP packets sealed, in 4 streams`);
    const [before, after] = [payloadsOf(RECORDING), payloadsOf(sealed)];
    after.forEach((payload, i) => {
      expect(payload.length - before[i]!.length).toBeGreaterThanOrEqual(25);
      const clearBytes = before[i]![1]! >>> 5 === 6 ? 8 : 12;
      expect(payload.subarray(0, clearBytes)).toEqual(before[i]!.subarray(0, clearBytes));
      expect(payload.includes(before[i]!.subarray(20))).toBe(false);
    });
    expect(frameseal(['open', sealed, opened, '--config', config]).status).toBe(0);
    expect(readFileSync(opened).equals(readFileSync(RECORDING))).toBe(true);
    expect(statSync(opened).mode & 0o777).toBe(0o600);
  });

  it('is not overwritten without --force, and is where it is given', () => {
    const file = temporaryFile('out.pcap');
    writeFileSync(file, 'kept');
    const run = frameseal(['open', sealed, file, '--config', config]);
    expect(run).toMatchObject({ status: 2 });
    expect(run.stderr).toContain('--force');
    expect(readFileSync(file, 'utf8')).toBe('kept');
    expect(frameseal(['open', sealed, file, '--config', config, '--force']).status).toBe(0);
    expect(readFileSync(file).equals(readFileSync(RECORDING))).toBe(true);
    expect(readdirSync(dirname(file))).toEqual(['out.pcap']);
  });

  it('goes from stdin to stdout, with reports on stderr', () => {
    const args = [CLI, 'open', '-', '-', '--config', config, '--stats'];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { input: readFileSync(sealed) });
    expect(status).toBe(0);
    expect(stdout.equals(readFileSync(RECORDING))).toBe(true);
    expect(stderr.toString()).toMatch(/SSRC.*packets.*opened/);
  });

  it.skipIf(!existsSync('/dev/stdout'))('goes to a pipe that has a name without a path', () => {
    const command = `"${process.execPath}" "${CLI}" open "${sealed}" /dev/stdout --config "${config}" | cat`;
    const { stdout } = spawnSync('sh', ['-c', command]);
    expect(stdout.equals(readFileSync(RECORDING))).toBe(true);
  });

  it('can be looked into without a new one', () => {
    const run = frameseal(['open', sealed, '/dev/null', '--config', config, '--json']);
    expect(run.status).toBe(0);
    const { streams, packets, replaced } = streamsOf(run.stdout);
    expect({ packets, replaced }).toEqual({ packets: ALL, replaced: ALL });
    expect(streams).toHaveLength(4);
    expect(streams[1]).toMatchObject({
      ssrc: 0x11223344,
      source: '127.0.0.1:45323',
      destination: '127.0.0.1:5004',
      payloadTypes: [111],
      packets: 276,
      opened: 276,
      lost: 0,
      reordered: 0,
    });
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('of other keys says so in words', () => {
    const open = (...args: string[]) => frameseal(['open', sealed, '/dev/null', ...args]);
    const other = configFile({ ...newConfig(), keyId: 3 });
    const wrong = open('--config', other);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toMatch(/nothing was opened: .*UNKNOWN_KEY.*sealed under keyId 0.*has keyId 3/);
    expect(open('--config', configFile()).stderr).toMatch(/nothing was opened: .*BAD_TAG.*--context/);
    expect(open('--config', config, '--context', 'room 7').status).toBe(1);
    expect(open('--config', config, '--port', '9').stderr).toMatch(/no RTP or RTCP on port 9/);
    const clear = frameseal(['open', RECORDING, '/dev/null', '--config', config]);
    expect(clear.stderr).toMatch(/do not look like packets of frameseal/);
    // In a file of another format, nothing is left behind.
    const nowhere = temporaryFile('out.pcap');
    const malformed = frameseal(['open', config, nowhere, '--config', config]);
    expect(malformed).toMatchObject({ status: 1 });
    expect(malformed.stderr).toMatch(/not a recording/);
    expect(readdirSync(dirname(nowhere))).toEqual([]);
  });

  it('of another mode says so in words', () => {
    // Of a length that SM4 does not have: none opens as garbage.
    const recording = temporaryFile('sealed.pcapng');
    expect(frameseal(['seal', recordingOf([rtp(1), rtp(2)]), recording, '--config', config]).status).toBe(0);
    const sm4 = configFile({ encryptionMode: 'SM4_128_ECB', encryptionKey: randomBytes(16).toString('hex') });
    const { stderr } = frameseal(['open', recording, '/dev/null', '--config', sm4]);
    expect(stderr).toMatch(/nothing was opened: .*look like packets of a GCM2 mode/);
    expect(stderr).not.toContain('--context');
  });

  it('that is cut short keeps what is whole', () => {
    const short = temporaryFile('short.pcap');
    const bytes = readFileSync(sealed);
    writeFileSync(short, bytes.subarray(0, bytes.length - 10));
    const run = frameseal(['open', short, opened, '--force', '--config', config]);
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/cut short/);
    expect(payloadsOf(opened)).toEqual(payloadsOf(RECORDING).slice(0, -1));
  });
});

describe('keys', () => {
  it('of several configurations: each packet is opened by the one that knows it', () => {
    // Key ids that differ, and one key id twice with contexts of their own.
    const configs = [0, 3, 3].map((keyId, i) => configFile({ ...newConfig(), keyId, context: `direction ${i}` }));
    const parts = configs.map((config, i) => {
      const packets = Array.from({ length: 20 }, (_, sequence) => Buffer.from(rtp(sequence).fill(i, 8, 12)));
      const sealed = temporaryFile('part.pcapng');
      expect(frameseal(['seal', recordingOf(packets), sealed, '--config', config]).status).toBe(0);
      return { packets, sealed: payloadsOf(sealed) };
    });
    const mixed = Array.from({ length: 60 }, (_, i) => parts[i % 3]!.sealed[Math.floor(i / 3)]!);
    const opened = temporaryFile('opened.pcapng');
    const args = configs.flatMap((config) => ['--config', config]);
    expect(frameseal(['open', recordingOf(mixed), opened, ...args]).status).toBe(0);
    expect(payloadsOf(opened)).toEqual(Array.from({ length: 60 }, (_, i) => parts[i % 3]!.packets[Math.floor(i / 3)]!));
  });

  it('of GCM2 beside SM4, which takes no part in what GCM2 opens', () => {
    const [gcm, sm4] = [
      configFile(),
      configFile({ encryptionMode: 'SM4_128_ECB', encryptionKey: randomBytes(16).toString('hex') }),
    ];
    const lengths = Array.from({ length: 64 }, (_, i) => 20 + i);
    const packets = lengths.map((length, i) => Buffer.concat([rtp(i).subarray(0, 12), randomBytes(length)]));
    const recording = recordingOf([...packets, RECEIVER_REPORT]);
    for (const config of [gcm, sm4]) {
      const [sealed, opened] = [temporaryFile('sealed.pcapng'), temporaryFile('opened.pcapng')];
      expect(frameseal(['seal', recording, sealed, '-c', config]).status).toBe(0);
      expect(frameseal(['open', sealed, opened, '-c', sm4, '-c', gcm]).status).toBe(0);
      expect(readFileSync(opened).equals(readFileSync(recording))).toBe(true);
    }
  });

  it('with a context, and RTCP in the clear', () => {
    const config = configFile();
    const [sealed, opened] = [temporaryFile('sealed.pcapng'), temporaryFile('opened.pcapng')];
    const recording = recordingOf([rtp(1), RECEIVER_REPORT, Buffer.from('hello'), rtp(2)]);
    const args = ['--config', config, '--context', 'room 7', '--rtcp', 'clear'];
    expect(frameseal(['seal', recording, sealed, ...args]).status).toBe(0);
    const [first, report, text] = payloadsOf(sealed);
    expect(first!.length).toBe(rtp(1).length + 25);
    expect([report, text]).toEqual([RECEIVER_REPORT, Buffer.from('hello')]);
    expect(frameseal(['open', sealed, '/dev/null', '--config', config]).status).toBe(1);
    expect(frameseal(['open', sealed, opened, ...args]).status).toBe(0);
    expect(readFileSync(opened).equals(readFileSync(recording))).toBe(true);
  });

  it('of SRTP, with a rollover counter', () => {
    const sdes = temporaryFile('sdes');
    writeFileSync(sdes, SDES, { mode: 0o600 });
    const packets = [65_534, 65_535, 0, 1].map((sequence) => rtp(sequence));
    const recording = recordingOf([...packets, RECEIVER_REPORT]);
    const [sealed, opened] = [temporaryFile('sealed.pcapng'), temporaryFile('opened.pcapng')];
    expect(frameseal(['seal', recording, sealed, '--srtp', sdes, '--roc', '11223344=6']).status).toBe(0);
    expect(payloadsOf(sealed).map(({ length }) => length)).toEqual([188, 188, 188, 188, 28]);
    expect(frameseal(['open', sealed, opened, '--srtp', sdes, '--roc', '6']).status).toBe(0);
    expect(readFileSync(opened).equals(readFileSync(recording))).toBe(true);
    const late = frameseal(['open', sealed, '/dev/null', '--srtp', sdes, '--rtcp', 'clear']);
    expect(late.stderr).toMatch(/nothing was opened.*--roc/);
    expect(frameseal(['open', sealed, '/dev/null', '--srtp', sdes, '--context', 'x']).status).toBe(2);
    expect(frameseal(['open', sealed, '/dev/null', '--srtp', temporaryFile('none')]).status).toBe(2);
    expect(frameseal(['open', sealed, '/dev/null', '--srtp', sdes, '--roc', 'x']).status).toBe(2);
  });

  it('of SRTP that are malformed are refused by file and line', () => {
    const sdes = temporaryFile('sdes');
    writeFileSync(sdes, `${SDES}\na=crypto:nonsense\n`, { mode: 0o600 });
    const { status, stderr } = frameseal(['open', RECORDING, '/dev/null', '--srtp', sdes]);
    expect({ status, lines: stderr.split('\n').length - 1 }).toEqual({ status: 2, lines: 1 });
    expect(stderr).toContain(`${sdes}, line 3: `);
    expect(stderr).not.toContain('nonsense');
  });

  it('of SRTP are refused where others can read them, unless --insecure-config says to go on', () => {
    const sdes = temporaryFile('sdes');
    writeFileSync(sdes, SDES, { mode: 0o644 });
    const seal = (...args: string[]) => frameseal(['seal', RECORDING, '/dev/null', '--srtp', sdes, ...args]);
    const refused = seal();
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(
      /cannot read the keys .*: other users can reach the key in it \(mode 0644\): chmod 600/,
    );
    const taken = seal('--insecure-config');
    expect(taken.status).toBe(0);
    expect(taken.stderr).toMatch(/warning: .*other users can reach the key/);
  });

  it('a packet that could not be sealed is left out, and said', () => {
    const sdes = temporaryFile('sdes');
    writeFileSync(sdes, SDES, { mode: 0o600 });
    const sealed = temporaryFile('sealed.pcapng');
    const run = frameseal(['seal', recordingOf([rtp(1), rtp(1), rtp(2)]), sealed, '--srtp', sdes]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/1 RTP packets could not be sealed, and are left out/);
    expect(payloadsOf(sealed).map(({ length }) => length)).toEqual([188, 188]);
  });
});

describe('numbers', () => {
  it('lost, late and repeated packets', () => {
    const sequences = [65_530, 65_531, 65_535, 65_533, 2, 2];
    const run = frameseal([
      'seal',
      recordingOf(sequences.map((each) => rtp(each))),
      '/dev/null',
      '--json',
      '-c',
      configFile(),
    ]);
    // 65530 to 2 are nine numbers; four of them are not there.
    expect(streamsOf(run.stdout).streams[0]).toMatchObject({ packets: 6, lost: 4, reordered: 1, sealed: 6 });
  });

  it('says that OUT is in the clear where nothing was sealed', () => {
    const run = frameseal(['seal', recordingOf([rtp(1)]), '/dev/null', '--port', '1', '-c', configFile()]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/nothing was sealed, and OUT is in the clear: there is no RTP or RTCP on port 1/);
  });

  it('as a table', () => {
    const run = frameseal(['seal', recordingOf([rtp(1), rtp(2)]), '/dev/null', '--stats', '-c', configFile()]);
    const [head, row] = run.stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(head).toEqual('SSRC,source,destination,type,packets,sealed,lost,reordered,bytes,first,last'.split(','));
    expect(row!.slice(0, 9)).toEqual('11223344,192.0.2.1:40000,192.0.2.1:5004,96,2,2,0,0,344'.split(','));
    expect(row!.slice(9)).toEqual(['1970-01-01 00:00:00.000', '1970-01-01 00:00:00.020']);
  });

  it('of more streams than sealers and than rows', () => {
    const packets = Array.from({ length: 5000 }, (_, i) => {
      const packet = rtp(1, 20);
      packet.writeUInt32BE(i, 8);
      return packet;
    });
    const config = configFile();
    const recording = recordingOf([...packets, ...packets.slice(0, 10)]);
    const [sealed, opened] = [temporaryFile('sealed.pcapng'), temporaryFile('opened.pcapng')];
    const run = frameseal(['seal', recording, sealed, '--json', '-c', config]);
    const { streams } = streamsOf(run.stdout);
    expect(streams).toHaveLength(4097);
    expect(streams[4095]).toMatchObject({ ssrc: 4095, lost: 0 });
    expect(streams[4096]).toMatchObject({ ssrc: null, source: null, lost: null, packets: 904, sealed: 904 });
    expect(streamsOf(run.stdout).replaced).toBe(5010);
    expect(frameseal(['open', sealed, opened, '-c', config]).status).toBe(0);
    expect(readFileSync(opened).equals(readFileSync(recording))).toBe(true);
  });
});

describe('an interruption', () => {
  // With a pipe for IN, whose writer has no more for now.
  it.each(['SIGINT', 'SIGTERM'] as const)('by %s leaves nothing half-written', async (signal) => {
    const [from, out] = [temporaryFile('pipe'), temporaryFile('out.pcap')];
    spawnSync('mkfifo', [from]);
    const child = spawn(process.execPath, [CLI, 'seal', from, out, '-c', configFile()], { stdio: 'ignore' });
    await using writer = await open(from, 'w');
    await writer.write(readFileSync(RECORDING).subarray(0, 50_000));
    while (!readdirSync(dirname(out)).some((name) => name.endsWith('.tmp'))) await pause(5);
    child.kill(signal);
    await once(child, 'exit');
    expect(child.signalCode).toBe(signal);
    expect(readdirSync(dirname(out))).toEqual([]);
  });

  it('by a full disk too', () => {
    if (!existsSync('/dev/full')) return;
    const run = frameseal(['seal', RECORDING, '/dev/full', '-c', configFile()]);
    expect(run).toMatchObject({ status: 1 });
    expect(run.stderr).toContain('ENOSPC');
  });
});

describe('wrong use', () => {
  const config = configFile();
  const cases: [string, string[], RegExp][] = [
    ['no file', ['open', temporaryFile('none'), '/dev/null', '-c', config], /cannot read .*ENOENT/],
    ['a folder', ['open', '/', '/dev/null', '-c', config], /EISDIR/],
    ['no place to write', ['open', RECORDING, '/none/out', '-c', config], /cannot write \/none\/out: ENOENT/],
    ['no configuration', ['open', RECORDING, '/dev/null'], /--config/],
    ['two keys to seal', ['seal', RECORDING, '/dev/null', '-c', config, '-c', config], /one --config/],
    ['a port', ['seal', RECORDING, '/dev/null', '-c', config, '-p', '0'], /1 to 65535/],
    ['--roc alone', ['open', RECORDING, '/dev/null', '-c', config, '--roc', '1'], /--srtp/],
  ];
  it.each(cases)('%s', (_, args, pattern) => {
    const run = frameseal(args);
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(pattern);
    expect(run.stderr).not.toMatch(/\n +at /);
  });
});
