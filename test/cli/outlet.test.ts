/** Writing without waiting: a terminal, a pipe or a file that takes nothing costs lines, not media. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { onLoopback } from '../../src/cli/gateway/process.js';
import { TerminalOutlet } from '../../src/cli/gateway/report/outlet.js';
import { CLI, configFile, freePorts, Mailbox, pause, rtp, temporaryFile } from '../support/cli.js';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

/** An outlet into a pipe, which holds 64 KiB without a reader; a stopped terminal holds nothing. */
function stopped() {
  const pipe = temporaryFile('pipe');
  execFileSync('mkfifo', [pipe]);
  const reader = fs.openSync(pipe, O_RDONLY | O_NONBLOCK);
  const writer = fs.openSync(pipe, O_WRONLY | O_NONBLOCK);
  let isOpen = true;
  const close = () => {
    if (isOpen) fs.closeSync(reader);
    isOpen = false;
  };
  onTestFinished(() => {
    close();
    fs.closeSync(writer);
  });
  const read = (): string => {
    const bytes = Buffer.alloc(1 << 20);
    try {
      return bytes.toString('utf8', 0, fs.readSync(reader, bytes));
    } catch {
      return '';
    }
  };
  return { outlet: new TerminalOutlet(writer), read, close };
}

describe('an outlet to a terminal', () => {
  it('takes some, drops whole lines after that, and continues in order', async () => {
    const { outlet, read } = stopped();
    const taken: string[] = [];
    let dropped = 0;
    for (let i = 0; i < 1000; i++) {
      const line = `${i} ${'x'.repeat(1000)}\n`;
      if (outlet.write(line)) taken.push(line);
      else dropped++;
    }
    expect(outlet.pending).toBeGreaterThan(0);
    expect(outlet.pending).toBeLessThanOrEqual(256 << 10);
    expect(dropped).toBeGreaterThan(500);
    let text = '';
    for (let i = 0; i < 100 && outlet.pending > 0; i++) {
      text += read();
      await pause(20);
    }
    text += read();
    expect(text).toBe(taken.join(''));
    expect(outlet.write('more\n')).toBe(true);
    expect(read()).toBe('more\n');
  });

  it('drops everything once the terminal is gone', () => {
    const { outlet, close } = stopped();
    close();
    outlet.write('to no reader\n');
    expect(outlet.write('again\n')).toBe(false);
    expect(outlet.pending).toBe(0);
  });
});

/** A process that reports all the time, and counts the turns of its loop on stdout. */
const CHATTERBOX = `
  const { openReporter } = await import(process.argv[1]);
  const reporter = openReporter('text');
  let turns = 0;
  setInterval(() => process.send(++turns), 20);
  setInterval(() => {
    for (let i = 0; i < 50; i++) reporter.event({ timeMs: Date.now(), type: 'key-ended', channel: 'x'.repeat(200), keyId: 1 });
    console.warn('a library warns');
  }, 5);`;
const REPORTER = new URL('../../src/cli/dist/gateway/report/reporter.js', import.meta.url).href;
const ARGUMENTS = ['--input-type=module', '-e', CHATTERBOX, REPORTER];

const hasPython = spawnSync('python3', ['--version']).status === 0;
/** A terminal that Ctrl-S has stopped. The descriptor of messages is passed on. */
const STOPPED_TERMINAL = `import os, pty, signal, subprocess, sys, termios
signal.signal(signal.SIGTERM, signal.SIG_IGN)
main, sub = pty.openpty()
termios.tcflow(sub, termios.TCOOFF)
run = lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL)
sys.exit(subprocess.run(sys.argv[1:], stdin=sub, stdout=sub, stderr=sub, pass_fds=[3], preexec_fn=run).returncode)`;

/** A process of Node on a stopped terminal; leads a process group that ends with the test. */
function onStoppedTerminal(args: readonly string[]): ChildProcess {
  const command = ['-c', STOPPED_TERMINAL, process.execPath, ...args];
  const child = spawn('python3', command, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true });
  onTestFinished(() => {
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL');
  });
  return child;
}

function turnsOf(child: ChildProcess) {
  onTestFinished(() => void child.kill('SIGKILL'));
  const state = { turns: 0 };
  child.on('message', (turns) => {
    state.turns = Number(turns);
  });
  return state;
}

async function goesOn(state: { turns: number }) {
  for (let i = 0; i < 100 && state.turns === 0; i++) await pause(50);
  await pause(1500);
  const before = state.turns;
  await pause(1000);
  expect(state.turns - before).toBeGreaterThan(5);
}

describe('a process that reports', () => {
  it('continues without a reader of its stderr, with bounded memory', async () => {
    const child = spawn(process.execPath, ARGUMENTS, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const state = turnsOf(child);
    await goesOn(state);
    const before = residentBytes(child);
    await pause(1500);
    expect(residentBytes(child) - before).toBeLessThan(40 << 20);
    child.stderr!.resume();
    let text = '';
    child.stderr!.on('data', (data) => {
      text += data;
    });
    for (let i = 0; i < 100 && !text.includes('lines were dropped'); i++) await pause(50);
    expect(text).toMatch(/warning: \d+ lines were dropped, because nobody read them/);
    expect(text).toContain('a library warns');
  });

  it.skipIf(!hasPython)('continues while its terminal is stopped', async () => {
    await goesOn(turnsOf(onStoppedTerminal(ARGUMENTS)));
  });
});

describe('a gateway', () => {
  it.skipIf(!hasPython)('forwards everything while its terminal is stopped, and ends', async () => {
    const port = await freePorts();
    const inbox = await Mailbox.open(port);
    const listen = await freePorts();
    const child = onStoppedTerminal([CLI, 'gateway', ...onLoopback('seal', listen, port), '--config', configFile()]);
    // Nothing says when it listens: packets before that are lost.
    for (let i = 0; i < 200 && inbox.received.length === 0; i++) {
      await inbox.send(listen, [rtp(0)]);
      await pause(50);
    }
    await pause(1500);
    inbox.received.length = 0;
    for (let i = 0; i < 300; i++) {
      await inbox.send(listen, [rtp(i)]);
      await pause(5);
    }
    expect(await inbox.wait(300)).toHaveLength(300);
    const ended = once(child, 'exit');
    process.kill(-child.pid!, 'SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

function residentBytes(child: ChildProcess): number {
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]);
}
