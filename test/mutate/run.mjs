/** Copies of the sources in which a mutation is made, built and judged. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

const ROOT = new URL('../..', import.meta.url).pathname;
const BUILD = `${ROOT}build/mutant/`;
const COMPILER = `${ROOT}node_modules/typescript/bin/tsc`;
const VITEST = `${ROOT}node_modules/vitest/vitest.mjs`;
/** A mutation may be an endless loop. */
const TIMEOUT_MS = 90_000;

const COPIED = ['src', 'test', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts'];
const LINKED = ['node_modules', 'fixtures'];

const vectors = readdirSync(`${ROOT}fixtures`)
  .filter((name) => name.endsWith('.json'))
  .map((name) => `${ROOT}fixtures/${name}`);

/** Runs files of vectors on both engines of a copy: it fails where one of them disagrees. */
const VERIFY = `
  import { readFileSync } from 'node:fs';
  import { verifyVectors } from './dist/vectors/verify.js';
  const disagrees = (file, engine) => verifyVectors(readFileSync(file, 'utf8'), { engine }).disagreements.length > 0;
  const wrong = process.argv.slice(1).some((file) => ['simd', 'portable'].some((engine) => disagrees(file, engine)));
  process.exitCode = wrong ? 1 : 0;
`;

/** The file's text with the mutation made. Throws unless what it replaces stands there once. */
function mutated(source, { name, edits }) {
  let text = source;
  for (const [before, after] of edits) {
    const places = text.split(before).length - 1;
    if (places !== 1)
      throw new Error(`${name}: "${before}" must stand there once, not ${places} times: mend this list`);
    text = text.replace(before, () => after);
  }
  return text;
}

/** Throws where a mutation does not fit the sources, or is no TypeScript: then it would be noticed for nothing. */
export function checkMutations(mutations) {
  const dir = `${BUILD}syntax/`;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const files = mutations.map((mutation, i) => {
    const file = `${dir}${i}.ts`;
    writeFileSync(file, mutated(readFileSync(`${ROOT}${mutation.file}`, 'utf8'), mutation));
    return file;
  });
  const options = ['--ignoreConfig', '--noCheck', '--noResolve', '--noEmit', '--target', 'es2022', '--types', ''];
  const { stdout, status } = spawnSync(process.execPath, [COMPILER, ...options, ...files], { encoding: 'utf8' });
  if (status === 0) return;
  const [, index] = /syntax\/(\d+)\.ts/.exec(stdout) ?? [];
  throw new Error(`${mutations[index]?.name}: ${stdout.split('\n')[0]}`);
}

export class Copy {
  #dir;

  constructor(name) {
    this.#dir = `${BUILD}${name}/`;
    rmSync(this.#dir, { recursive: true, force: true });
    mkdirSync(this.#dir, { recursive: true });
    const filter = (path) => !/\/(?:dist|node_modules)$/.test(path);
    for (const entry of COPIED) cpSync(`${ROOT}${entry}`, `${this.#dir}${entry}`, { recursive: true, filter });
    for (const entry of LINKED) symlinkSync(`${ROOT}${entry}`, `${this.#dir}${entry}`);
  }

  /** Throws where vectors or tests fail already: then nothing can be learnt. */
  async checkUnchanged(tests) {
    if (await this.#vectorsDisagree()) throw new Error('the unchanged code fails the vectors');
    for (const test of tests) {
      if (await this.#testsFail([test])) throw new Error(`the unchanged code fails ${test}`);
    }
  }

  async notices(mutation) {
    const path = `${this.#dir}${mutation.file}`;
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, mutated(source, mutation));
    try {
      if (mutation.kind === 'format') return await this.#vectorsDisagree();
      if (mutation.build) await this.#build();
      return await this.#testsFail(mutation.tests);
    } finally {
      writeFileSync(path, source);
    }
  }

  /** Unused names and unreachable code are no reason to stop: nothing is checked. */
  #build() {
    return this.#run([COMPILER, '-p', 'tsconfig.build.json', '--noCheck']);
  }

  async #vectorsDisagree() {
    await this.#build();
    return (await this.#run(['--input-type=module', '-e', VERIFY, ...vectors])) !== 0;
  }

  /** File by file, because most mutations are noticed by the first. */
  async #testsFail(tests) {
    for (const test of tests) {
      if ((await this.#run([VITEST, 'run', test, '--bail', '1'])) !== 0) return true;
    }
    return false;
  }

  /** The exit code of a Node process in the copy. */
  #run(args) {
    const options = { cwd: this.#dir, stdio: 'ignore', timeout: TIMEOUT_MS, killSignal: 'SIGKILL' };
    return new Promise((resolve, reject) => {
      spawn(process.execPath, args, options).on('error', reject).on('exit', resolve);
    });
  }
}
