/** Tools of the end-to-end test: Debian packages, child processes that always end, temporary files. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bounds the wait for a mirror that does not answer. */
const INSTALL_LIMIT_MS = 900_000;
const MOST_REMOVALS = 20;
const REMOVAL_PAUSE_MS = 100;

/** Installs missing tools from Debian; `say` reports it. */
export function needTools(packages, say = step) {
  const missing = Object.entries(packages).filter(([tool]) => spawnSync('which', [tool]).status !== 0);
  if (missing.length === 0) return;
  installPackages(
    missing.map(([, name]) => name),
    say,
  );
}

/** Installs packages of Debian; `say` reports it. */
export function installPackages(names, say = step) {
  say(`installing ${names.join(', ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...names]]) {
    const options = { env: environment, encoding: 'utf8', timeout: INSTALL_LIMIT_MS };
    const { status, error, stderr } = spawnSync('apt-get', args, options);
    if (status !== 0) throw new Error(`apt-get ${args[0]} failed: ${error?.message ?? stderr.slice(-500)}`);
  }
}

/** Does something while packages that are installed start no services. */
export function withoutServices(action) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return action();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return action();
  } finally {
    rmSync(policy, { force: true });
  }
}

export function step(text) {
  process.stdout.write(`e2e: ${text}\n`);
}

const running = new Set();

/**
 * Starts a program that ends with the test at the latest. `output()` returns its output so far. With `detached` the program
 * leads a process group, which ends with it: for programs with child processes of their own.
 */
export function start(command, args, { detached = false } = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached });
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  child.stderr.on('data', (data) => {
    text += data;
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const kill = () => (detached ? killGroup(child.pid) : child.kill('SIGKILL'));
  running.add(kill);
  ended.then(() => running.delete(kill));
  return { child, ended, output: () => text };
}

function killGroup(leader) {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // All of it has ended.
  }
}

/** Runs a program to its end. Returns its stdout; throws where it fails. */
export function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.slice(-1000)}`);
  return stdout;
}

/** Waits until the program's output matches. */
export async function until(program, pattern, limitMs = 10_000) {
  const deadline = performance.now() + limitMs;
  while (!pattern.test(program.output())) {
    if (performance.now() > deadline) throw new Error(`no ${pattern} in: ${program.output().slice(-1000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Calls `work` with a new directory. Afterwards, or when the process exits, ends all programs and removes the directory. */
export async function inTemporaryDirectory(work) {
  const directory = mkdtempSync(join(tmpdir(), 'frameseal-e2e-'));
  const clean = () => {
    for (const kill of running) kill();
    remove(directory);
  };
  process.once('exit', clean);
  try {
    await work((name) => join(directory, name));
  } finally {
    process.off('exit', clean);
    clean();
  }
}

/** Tries again while killed programs still write. Blocks, since it runs at exit too. */
function remove(directory) {
  for (let tries = 1; ; tries++) {
    try {
      rmSync(directory, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries === MOST_REMOVALS) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REMOVAL_PAUSE_MS);
    }
  }
}
