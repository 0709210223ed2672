/** A large capture of packets of 1,200 bytes: time and memory of sealing and opening on one core, and editcap's time to copy it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { RecordingWriter, udpPacket } from '../../src/recording/recording.js';
import { run } from '../e2e/tools.mjs';
import { CLI, must, say } from './tools.js';

const PAYLOAD_BYTES = 1200;
const MOST_MEMORY_MB = 150;
const POLL_MS = 50;
const TICKS_PER_SECOND = 100;

type Files = (name: string) => string;

/** Writes a capture of about the given size. */
function writeCapture(path: string, bytes: number): void {
  const writer = new RecordingWriter('pcap', { nanoseconds: false });
  const handle = openSync(path, 'w');
  writeSync(handle, writer.start());
  const payload = crypto.getRandomValues(new Uint8Array(PAYLOAD_BYTES));
  const [source, destination] = [5004, 5006].map((port) => ({ address: '192.0.2.1', port }));
  let parts: Uint8Array[] = [];
  for (let i = 0, written = 0; written < bytes; i++) {
    payload.set([0x80, 96, i >>> 8, i, 0, 0, i >>> 8, i, 1, 2, 3, 4]);
    const record = writer.packet(
      BigInt(i) * 1_000_000n,
      udpPacket({ source: source!, destination: destination!, payload }),
    );
    parts.push(record);
    written += record.length;
    if (parts.length < 4096 && written < bytes) continue;
    writeSync(handle, Buffer.concat(parts));
    parts = [];
  }
  closeSync(handle);
}

interface Run {
  readonly seconds: number;
  /** Of the processor: on a machine with other load, they say more. */
  readonly busySeconds: number;
  readonly megabytes: number;
}

/** Runs a command on the first core. Returns its time, and the most memory that it held. */
async function onOneCore(command: string, args: readonly string[]): Promise<Run> {
  const from = performance.now();
  const child = spawn('taskset', ['-c', '0', command, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  let [megabytes, busySeconds] = [0, 0];
  const poll = setInterval(() => {
    megabytes = Math.max(megabytes, peakOf(child.pid!));
    busySeconds = Math.max(busySeconds, busyOf(child.pid!));
  }, POLL_MS);
  const [code] = await once(child, 'exit');
  clearInterval(poll);
  must(code === 0, `${command} ${args.join(' ')} ends well`);
  return { seconds: (performance.now() - from) / 1000, busySeconds, megabytes };
}

function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(ofProcess(pid, 'status'))?.[1] ?? 0) / 1000;
}

/** User and system time, which come in ticks after the name of the program. */
function busyOf(pid: number): number {
  const fields = ofProcess(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It has ended.
  }
}

export async function measure(file: Files, megabytes: number): Promise<void> {
  const [capture, sealed, opened] = [file('capture'), file('sealed'), file('opened')];
  writeCapture(capture, megabytes * 1e6);
  const size = statSync(capture).size / 1e6;
  const config = ['--config', file('config.json'), '--force'];
  const runs = {
    'editcap copies': await onOneCore('editcap', [capture, file('copy')]),
    'frameseal seal': await onOneCore(process.execPath, [CLI, 'seal', capture, sealed, ...config]),
    'frameseal open': await onOneCore(process.execPath, [CLI, 'open', sealed, opened, ...config]),
  };
  rmSync(file('copy'));
  run('cmp', [opened, capture]);
  const copying = runs['editcap copies'];
  for (const [name, { seconds, busySeconds, megabytes: memory }] of Object.entries(runs)) {
    const speeds = [seconds, busySeconds].map((time) => (size / time).toFixed(0));
    const ratios = [seconds / copying.seconds, busySeconds / copying.busySeconds].map((ratio) => ratio.toFixed(2));
    say(`${name} ${size.toFixed(0)} MB: ${speeds[0]} MB/s, ${speeds[1]} MB per second of the processor,`);
    say(`  ${ratios.join(' and ')} of editcap's times, ${memory.toFixed(0)} MB of memory`);
    must(memory < MOST_MEMORY_MB, `${name} takes less than ${MOST_MEMORY_MB} MB`);
  }
}
