/** What the end-to-end test stands on: Debian packages, child processes that always end, temporary files. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A mirror that does not answer must not hold the test for ever. */
const INSTALL_LIMIT_MS = 900_000;

/** Installs from Debian what is missing. */
export function needTools(packages) {
  const missing = Object.entries(packages).filter(([tool]) => spawnSync('which', [tool]).status !== 0);
  if (missing.length === 0) return;
  const names = missing.map(([, name]) => name);
  step(`installing ${names.join(', ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...names]]) {
    const options = { env: environment, encoding: 'utf8', timeout: INSTALL_LIMIT_MS };
    const { status, error, stderr } = spawnSync('apt-get', args, options);
    if (status !== 0) throw new Error(`apt-get ${args[0]} failed: ${error?.message ?? stderr.slice(-500)}`);
  }
}

export function step(text) {
  process.stdout.write(`e2e: ${text}\n`);
}

const running = new Set();

/** Starts a program; ends with the test at the latest. `output()` is what it has written so far. */
export function start(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  child.stderr.on('data', (data) => {
    text += data;
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  running.add(child);
  ended.then(() => running.delete(child));
  return { child, ended, output: () => text };
}

/** Runs a program to its end, and gives what it wrote to stdout; throws where it fails. */
export function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.slice(-1000)}`);
  return stdout;
}

/** Waits until the program has written something that matches. */
export async function until(program, pattern, limitMs = 10_000) {
  const deadline = performance.now() + limitMs;
  while (!pattern.test(program.output())) {
    if (performance.now() > deadline) throw new Error(`no ${pattern} in: ${program.output().slice(-1000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Calls with a directory of its own; ends all programs and removes it afterwards. */
export async function inTemporaryDirectory(work) {
  const directory = mkdtempSync(join(tmpdir(), 'frameseal-e2e-'));
  try {
    await work((name) => join(directory, name));
  } finally {
    for (const child of running) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}
