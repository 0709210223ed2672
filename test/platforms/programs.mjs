/** Runtimes that run a program: Node in four versions (npm's packages), Deno and Bun. */
import { spawn } from 'node:child_process';
import { programOf } from './packages.mjs';
import { PROJECT } from './project.mjs';

const PROGRAM = 'program.mjs';
const LIMIT_MS = 300_000;
/** None of them may look for a newer version of itself. Deno's cache stays in build/. */
const ENVIRONMENT = { DENO_DIR: `${PROJECT}deno`, DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1' };

/** Command lines by runtime. Deno may read the project and nothing else. */
export function programs() {
  const nodes = [20, 22, 24, 26].map((major) => ({
    name: `Node ${major}`,
    command: ['npx', '-y', `node@${major}`, PROGRAM],
  }));
  const deno = [
    programOf('deno'),
    'run',
    '--no-prompt',
    `--allow-read=${PROJECT}`,
    '--node-modules-dir=manual',
    PROGRAM,
  ];
  return [...nodes, { name: 'Deno', command: deno }, { name: 'Bun', command: [programOf('bun'), 'run', PROGRAM] }];
}

/** What a program observes. */
export function observeInProgram([command, ...args]) {
  const child = spawn(command, args, { cwd: PROJECT, env: { ...process.env, ...ENVIRONMENT }, timeout: LIMIT_MS });
  process.once('exit', () => child.kill());
  let [output, errors] = ['', ''];
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ failed: error.message }));
    child.on('close', (code, signal) => resolve(code === 0 ? readAnswer(output) : failure(signal ?? code, errors)));
  });
}

function readAnswer(output) {
  try {
    return JSON.parse(output);
  } catch {
    return { failed: `no answer in: ${output.slice(-500)}` };
  }
}

function failure(reason, errors) {
  return { failed: `ended with ${reason}: ${errors.slice(-500)}` };
}
