/** Recordings from one file to another: the new file is there whole or not at all, and others stay as they are. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rewriteFile } from '../../src/cli/recording/files.js';
import { RecordingRewriter, RecordingWriter } from '../../src/recording/recording.js';
import { concat } from '../support/arrays.js';
import { pause, temporaryFile } from '../support/cli.js';

function recordingOf(count: number): Uint8Array {
  const writer = new RecordingWriter('pcap');
  const records = Array.from({ length: count }, (_, i) => writer.packet(BigInt(i), new Uint8Array(1000).fill(i)));
  return concat(writer.start(), ...records);
}

const recording = recordingOf(3);

function fileOf(bytes: Uint8Array | string): string {
  const file = temporaryFile('in.pcap');
  fs.writeFileSync(file, bytes);
  return file;
}

function fifo(): string {
  const path = temporaryFile('pipe');
  execFileSync('mkfifo', [path]);
  return path;
}

/** Copies a recording; returns the bytes of a last record that is cut short. */
function copy(from: string, to: string, force = false): Promise<number> {
  const rewriter = new RecordingRewriter({ growth: 0, takes: () => false, transform: () => {} });
  return rewriteFile(rewriter, { from, to, force });
}

function namesBeside(path: string): string[] {
  return fs.readdirSync(dirname(path));
}

describe('the new file', () => {
  it('is for its owner alone, and has nothing beside it', async () => {
    const to = temporaryFile('out.pcap');
    expect(await copy(fileOf(recording), to)).toBe(0);
    expect(fs.readFileSync(to).equals(recording)).toBe(true);
    expect(fs.statSync(to).mode & 0o777).toBe(0o600);
    expect(namesBeside(to)).toEqual(['out.pcap']);
  });

  it('has its name when it is whole', async () => {
    const [from, to] = [fifo(), temporaryFile('out.pcap')];
    const copying = copy(from, to);
    const source = await open(from, 'w');
    await source.write(recording.subarray(0, 1500));
    while (namesBeside(to).length === 0) await pause(5);
    expect(namesBeside(to)).toEqual([`out.pcap.${process.pid}.tmp`]);
    await source.write(recording.subarray(1500));
    await source.close();
    expect(await copying).toBe(0);
    expect(namesBeside(to)).toEqual(['out.pcap']);
    expect(fs.readFileSync(to).equals(recording)).toBe(true);
  });

  it('whose name is taken by a folder meanwhile is an error, and nothing is left', async () => {
    const [from, to] = [fifo(), temporaryFile('out.pcap')];
    const copying = copy(from, to);
    const source = await open(from, 'w');
    while (namesBeside(to).length === 0) await pause(5);
    fs.mkdirSync(to);
    await source.write(recording);
    await source.close();
    await expect(copying).rejects.toThrow(/^cannot write .*out\.pcap: EISDIR/);
    expect(namesBeside(to)).toEqual(['out.pcap']);
  });

  it('is not there where the recording is malformed', async () => {
    const to = temporaryFile('out.pcap');
    await expect(copy(fileOf('hello'), to)).rejects.toThrow(/in\.pcap: not a recording/);
    expect(namesBeside(to)).toEqual([]);
  });
});

describe('a file that is there', () => {
  it('is replaced with force alone', async () => {
    const [from, to] = [fileOf(recording), fileOf('kept')];
    await expect(copy(from, to)).rejects.toThrow(/--force/);
    expect(fs.readFileSync(to, 'utf8')).toBe('kept');
    await copy(from, to, true);
    expect(fs.readFileSync(to).equals(recording)).toBe(true);
  });

  it('is replaced where a link leads to it, and the link stays', async () => {
    const [to, link] = [fileOf('old'), temporaryFile('link')];
    fs.symlinkSync(to, link);
    await copy(fileOf(recording), link, true);
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(to).equals(recording)).toBe(true);
  });

  it('under the temporary name is left alone', async () => {
    const to = temporaryFile('out.pcap');
    const temporary = `${to}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, 'kept');
    await expect(copy(fileOf(recording), to)).rejects.toThrow(/EEXIST/);
    expect(fs.readFileSync(temporary, 'utf8')).toBe('kept');
  });
});

describe('what is no file', () => {
  it('is written to, one part after the other, however slow it is', async () => {
    const [to, out] = [fifo(), temporaryFile('out')];
    const long = recordingOf(3000);
    const reading = once(spawn('sh', ['-c', `sleep 0.2; cat < ${to} > ${out}`]), 'exit');
    await copy(fileOf(long), to);
    await reading;
    expect(fs.readFileSync(out).equals(long)).toBe(true);
  });

  it('waits for its reader, and fails where the reader ends', async () => {
    const [to, out] = [fifo(), temporaryFile('out')];
    const read = (command: string) => once(spawn('sh', ['-c', `sleep 0.2; ${command} < ${to} > ${out}`]), 'exit');
    const reading = read('cat');
    await copy(fileOf(recording), to);
    await reading;
    expect(fs.readFileSync(out).equals(recording)).toBe(true);
    const ending = read('head -c 10');
    await expect(copy(fileOf(recordingOf(3000)), to)).rejects.toThrow(/EPIPE/);
    await ending;
  });

  it.skipIf(!fs.existsSync('/dev/full'))('and has no room gives an error', async () => {
    await expect(copy(fileOf(recording), '/dev/full')).rejects.toThrow(/ENOSPC/);
  });
});
