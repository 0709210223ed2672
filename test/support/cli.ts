/**
 * Runs the built command line in child processes, and exchanges UDP with it on loopback. Processes and sockets end with
 * their test.
 */
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { GatewayProcess, LOOPBACK, type ProcessOptions } from '../../src/cli/gateway/process.js';
import { type EncryptionConfig, enableEncryption, generateKey, generateSalt } from '../../src/index.js';

export const CLI = new URL('../../src/cli/dist/main.js', import.meta.url).pathname;

/** A command that should end and does not is killed: it has no status then. */
const RUN_LIMIT_MS = 30_000;

/** Runs a command to its end. */
export function frameseal(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const clean = { ...process.env, FRAMESEAL_CONFIG: undefined, ...env };
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    env: clean,
    timeout: RUN_LIMIT_MS,
  });
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

/** A gateway that ends with the test; `stdout` and `stderr` as in GatewayProcess. */
export function spawnGateway(args: readonly string[], options: ProcessOptions): GatewayProcess {
  return endWithTest(GatewayProcess.spawn(args, options));
}

/** A gateway that listens, and ends with the test. */
export async function startGateway(...args: string[]): Promise<GatewayProcess> {
  return endWithTest(await GatewayProcess.start(args));
}

function endWithTest(gateway: GatewayProcess): GatewayProcess {
  onTestFinished(() => void gateway.child.kill('SIGKILL'));
  return gateway;
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
