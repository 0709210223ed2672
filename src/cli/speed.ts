/**
 * `frameseal speed`, as `openssl speed` is: how many frames a second one core of this machine seals and opens, in each
 * mode, on the engine that the gateway has (acceleration.ts). A frame is an RTP packet; sizes are bytes of its payload.
 *
 * Each number is the median of many short samples, so that other work of the machine does not count. An
 * opener takes a packet once, so each sample opens packets that were sealed for it; the sealing is not in its time.
 */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { type Channel, describe, enableEncryption, generateKey, generateSalt, type KnownMode, warmUp } from 'frameseal';
import { accelerate } from './acceleration.js';
import { CliError, number, StatusLine, styled, table } from './terminal.js';

const MODES: readonly KnownMode[] = ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'];
const SIZES = [20, 160, 500, 1200];
const OPERATIONS = ['seal', 'open'] as const;
const RTP_HEADER = Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 2, 0x11, 0x22, 0x33, 0x44);
/** Times of each number: about three seconds for all numbers. */
const WARM_UP_MS = 25;
const MEASURED_MS = 75;
/** Frames of a sample: far more than a look at the clock costs, far fewer than an interruption takes. */
const SAMPLE_FRAMES = 64;

type Operation = (typeof OPERATIONS)[number];

interface Row {
  readonly mode: KnownMode;
  readonly operation: Operation;
  /** Of the payload. */
  readonly bytes: number;
  readonly framesPerSecond: number;
}

export function addSpeed(program: Command): void {
  program
    .command('speed')
    .description('measure how many frames a second a core of this machine seals and opens')
    .option('--json', 'one JSON document on stdout')
    .action(speed);
}

function speed(options: { json?: boolean }): void {
  const form = accelerate();
  const channels = MODES.map(channelOf);
  const { engine } = channels[0]!;
  const machine = cpus()[0]?.model.trim() ?? 'unknown';
  const line = new StatusLine();
  warmUp();
  const rows: Row[] = [];
  for (const channel of channels) {
    for (const operation of OPERATIONS) {
      for (const bytes of SIZES) {
        const { mode } = channel;
        line.show(
          `${rows.length + 1}/${MODES.length * OPERATIONS.length * SIZES.length} ${mode} ${operation} ${bytes} B`,
        );
        rows.push({ mode, operation, bytes, framesPerSecond: Math.round(1e9 / measure(channel, operation, bytes)) });
      }
    }
    channel.close();
  }
  line.clear();
  const { node } = process.versions;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ cpu: machine, node, engine, form, unit: 'frames/s', results: rows })}\n`);
  } else {
    process.stdout.write(`${text(rows, `${machine}, Node ${node}, ${engine} engine, ${form}`)}\n`);
  }
}

function channelOf(mode: KnownMode): Channel {
  const salt = mode === 'SM4_128_ECB' ? {} : { encryptionKdfSalt: generateSalt() };
  return enableEncryption({ encryptionMode: mode, encryptionKey: generateKey(), ...salt });
}

/** Nanoseconds a frame. */
function measure(channel: Channel, operation: Operation, bytes: number): number {
  const sealer = channel.createSealer();
  const opener = channel.createOpener({ loopback: true });
  const packet = new Uint8Array(RTP_HEADER.length + bytes);
  packet.set(RTP_HEADER);
  const sealed = Array.from({ length: SAMPLE_FRAMES }, () => new Uint8Array(packet.length + sealer.overhead));
  const lengths = new Int32Array(SAMPLE_FRAMES);
  const opened = new Uint8Array(packet.length + sealer.overhead);
  const seal = () => {
    for (let i = 0; i < SAMPLE_FRAMES; i++) lengths[i] = sealer.seal(packet, sealed[i]!);
  };
  let status = 0;
  const open = () => {
    for (let i = 0; i < SAMPLE_FRAMES; i++) status = Math.min(status, opener.open(sealed[i]!, opened, lengths[i]));
  };
  const sample = (): number => {
    if (operation === 'open') seal();
    const fromMs = performance.now();
    if (operation === 'open') open();
    else seal();
    return performance.now() - fromMs;
  };
  repeat(sample, WARM_UP_MS);
  const samplesMs = repeat(sample, MEASURED_MS).sort((a, b) => a - b);
  status = Math.min(status, ...lengths);
  if (status < 0) throw new CliError(`${channel.mode} could not ${operation} ${bytes} bytes: ${describe(status)}`, 1);
  sealer.close();
  opener.close();
  return (samplesMs[samplesMs.length >>> 1]! * 1e6) / SAMPLE_FRAMES;
}

/** Takes samples for `forMs` milliseconds. Returns their times. */
function repeat(sample: () => number, forMs: number): number[] {
  const taken: number[] = [];
  const endMs = performance.now() + forMs;
  do taken.push(sample());
  while (performance.now() < endMs);
  return taken;
}

function text(rows: readonly Row[], about: string): string {
  const lines = MODES.flatMap((mode) =>
    OPERATIONS.map((operation) => [
      `${mode} ${operation}`,
      ...rows
        .filter((row) => row.mode === mode && row.operation === operation)
        .map(({ framesPerSecond }) => number(framesPerSecond)),
    ]),
  );
  const title = styled(process.stdout, 'bold', 'Frames a second that one core does, by bytes of RTP payload');
  return `${title}\n  ${about}\n\n${table([['', ...SIZES.map(String)], ...lines])}`.trimEnd();
}
