/** Addresses and gateways of the operating checks. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { start } from '../e2e/tools.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CLI = `${ROOT}src/cli/dist/main.js`;
export const HOST = '127.0.0.1';
const READY_LIMIT_MS = 15_000;
const PREFERRED = -10;
/** Of /proc/PID/stat. */
const TICKS_PER_SECOND = 100;

export function step(text) {
  process.stdout.write(`operating: ${text}\n`);
}

export function at(port) {
  return `${HOST}:${port}`;
}

export function rtp(sequence) {
  const packet = Buffer.alloc(172, sequence & 0xff);
  packet.set([0x80, 0x60, (sequence >>> 8) & 0xff, sequence & 0xff, 0, 0, 0, 1, 0x11, 0x22, 0x33, 0x44]);
  return packet;
}

/** What else this machine does is to be no part of the figures: puts a process, or this one, before it where that is permitted. */
export function prefer(pid = 0) {
  try {
    setPriority(pid, PREFERRED);
  } catch {
    step('no permission to put processes before the other work of this machine');
  }
}

/** A gateway of a gateway.yaml, written as JSON, which is YAML. Its log is JSON. */
export class Gateway {
  #file;
  #program;
  #read = 0;

  /** `file`: of gateway.yaml. */
  constructor(file) {
    this.#file = file;
  }

  write(config) {
    writeFileSync(this.#file, JSON.stringify(config));
  }

  async start() {
    this.#program = start(process.execPath, [CLI, 'gateway', this.#file, '--log', 'json']);
    this.#read = 0;
    prefer(this.pid);
    await this.says(({ type }) => type === 'started');
  }

  get pid() {
    return this.#program.child.pid;
  }

  /** Events since the start. */
  get events() {
    const text = this.#program.output();
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)
      .map(JSON.parse);
  }

  /** Waits for an event after those that were waited for before. */
  async says(condition) {
    const deadline = performance.now() + READY_LIMIT_MS;
    while (performance.now() < deadline) {
      const { events } = this;
      const found = events.findIndex((event, i) => i >= this.#read && condition(event));
      if (found >= 0) {
        this.#read = found + 1;
        return events[found];
      }
      await sleep(20);
    }
    throw new Error(`the gateway did not say what was waited for: ${this.#program.output().slice(-2000)}`);
  }

  async reload() {
    this.#program.child.kill('SIGHUP');
    const event = await this.says(({ type }) => type === 'reloaded');
    if (event.result !== 'ok') throw new Error(`a reload was refused: ${event.faults.join('\n')}`);
    return event;
  }

  async kill() {
    this.#program.child.kill('SIGKILL');
    await this.#program.ended;
  }

  /** Ends it; returns the routes of its totals. */
  async stop() {
    this.#program.child.kill('SIGTERM');
    const code = await this.#program.ended;
    if (code !== 0) throw new Error(`a gateway ended with ${code}: ${this.#program.output().slice(-2000)}`);
    return this.events.at(-1).routes;
  }

  /** Resident memory in bytes, and processor time in seconds so far. */
  usage() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return {
      residentBytes: 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)[1]),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    };
  }
}

/** The datagrams that the system dropped at the given ports of this machine. */
export function dropsAt(ports) {
  const lines = readFileSync('/proc/net/udp', 'utf8').split('\n').slice(1);
  let sum = 0;
  for (const line of lines) {
    const columns = line.trim().split(/\s+/);
    if (ports.includes(Number.parseInt(columns[1]?.split(':')[1] ?? '', 16))) sum += Number(columns.at(-1));
  }
  return sum;
}
