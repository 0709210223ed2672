/**
 * Runs the built command line in child processes, and speaks UDP with it on loopback. What runs or is open at the end of
 * a test ends with it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type EncryptionConfig, enableEncryption, generateKey, generateSalt } from '../../src/index.js';

export const CLI = new URL('../../src/cli/dist/main.js', import.meta.url).pathname;
export const LOOPBACK = '127.0.0.1';

/** Runs a command to its end. */
export function frameseal(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const clean = { ...process.env, FRAMESEAL_CONFIG: undefined, ...env };
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', env: clean });
  return { status, stdout, stderr };
}

export function temporaryFile(name: string): string {
  return join(mkdtempSync(join(tmpdir(), 'frameseal-test-')), name);
}

/** A new configuration in a file that only its owner reads. */
export function configFile(config: EncryptionConfig = newConfig()): string {
  const file = temporaryFile('config.json');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

export function newConfig(): EncryptionConfig {
  return { encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
}

/** A channel of a configuration file's content, as the other side would have it. */
export function channelOf(config: EncryptionConfig, options = {}) {
  return enableEncryption(config, options);
}

export interface RunningGateway {
  readonly child: ChildProcess;
  readonly events: Readonly<Record<string, unknown>>[];
  stderr(): string;
  /** Ends it with a signal; gives its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A gateway with --json and streams of its own. */
export function spawnGateway(args: readonly string[], stdout: number | 'pipe', stderr: number | 'pipe'): ChildProcess {
  const child = spawn(process.execPath, [CLI, 'gateway', '--json', ...args], { stdio: ['ignore', stdout, stderr] });
  onTestFinished(() => void (child.exitCode === null && child.kill('SIGKILL')));
  return child;
}

/** A gateway with --json that listens. */
export async function startGateway(...args: string[]): Promise<RunningGateway> {
  const child = spawnGateway(args, 'pipe', 'pipe');
  let stdout = '';
  let stderr = '';
  const events: Readonly<Record<string, unknown>>[] = [];
  const ended = once(child, 'close');
  child.stderr!.on('data', (data) => {
    stderr += data;
  });
  const listening = new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', (data) => {
      stdout += data;
      const lines = stdout.split('\n');
      stdout = lines.pop()!;
      for (const line of lines) events.push(JSON.parse(line));
      if (events[0]?.['event'] === 'listening') resolve();
    });
    ended.then(([code]) => reject(new Error(`the gateway ended with ${code}: ${stderr}`)));
  });
  await listening;
  return {
    child,
    events,
    stderr: () => stderr,
    end: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const [code] = await ended;
      return code as number | null;
    },
  };
}

/** Two ports in a row that were free a moment ago. */
export async function freePorts(): Promise<number> {
  for (;;) {
    const first = dgram.createSocket('udp4').bind(0, LOOPBACK);
    await once(first, 'listening');
    const { port } = first.address();
    const second = dgram.createSocket('udp4');
    const isFree = await new Promise<boolean>((resolve) => {
      second.on('error', () => resolve(false));
      second.bind(port + 1, LOOPBACK, () => resolve(port % 2 === 0));
    });
    first.close();
    second.close();
    if (isFree) return port;
  }
}

/** A UDP socket that keeps what it receives. */
export class Mailbox {
  readonly received: Buffer[] = [];
  readonly socket: dgram.Socket;

  private constructor(socket: dgram.Socket) {
    this.socket = socket;
    socket.on('message', (packet) => this.received.push(packet));
  }

  static async open(port: number, host = LOOPBACK): Promise<Mailbox> {
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4').bind(port, host);
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
    return new Mailbox(socket);
  }

  /** Waits until `count` packets are there, at most two seconds, and gives all there are. */
  async wait(count: number): Promise<Buffer[]> {
    const deadline = performance.now() + 2000;
    while (this.received.length < count && performance.now() < deadline) await pause(5);
    return this.received;
  }

  async send(port: number, packets: readonly Uint8Array[], host = LOOPBACK): Promise<void> {
    for (const packet of packets) {
      await new Promise((resolve) => this.socket.send(packet, port, host, resolve));
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** An RTP packet with a sequence number and that many bytes of payload. */
export function rtp(sequence: number, payloadBytes = 160): Buffer {
  const packet = Buffer.alloc(12 + payloadBytes, sequence & 0xff);
  packet.set([0x80, 0x60, sequence >>> 8, sequence & 0xff, 0, 0, 0, 1, 0x11, 0x22, 0x33, 0x44]);
  return packet;
}

/** An RTCP receiver report without blocks. */
export const RECEIVER_REPORT: Buffer = Buffer.from('80c9000111223344', 'hex');
