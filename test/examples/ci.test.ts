/** examples/ci: the workflows parse, and every command of theirs is one that this repository has, with options that it takes. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = new URL('../..', import.meta.url).pathname;
const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> };
const read = (name: string): unknown => parse(readFileSync(`${ROOT}examples/ci/${name}`, 'utf8'));

interface Workflow {
  permissions: object;
  jobs: {
    bench: { 'timeout-minutes': number; steps: { uses?: string; run?: string; with?: Record<string, unknown> }[] };
  };
}

const workflow = read('bench.yml') as Workflow;
const { steps } = workflow.jobs.bench;
const GITHUB = steps.flatMap(({ run }) => (run === undefined ? [] : [run]));
const GITLAB = (read('gitlab.yml') as { bench: { script: string[] } }).bench.script;
const NPM_RUN = /^npm run ([\w:]+)(?: -- (.*))?$/;

describe.each([
  ['bench.yml', GITHUB],
  ['gitlab.yml', GITLAB],
])('examples/ci/%s', (_, commands) => {
  it('compares with the base, and checks goals', () => {
    const names = commands.flatMap((command) => NPM_RUN.exec(command)?.[1] ?? []);
    expect(names).toEqual(['bench:compare', 'bench']);
    expect(commands[0]).toBe('npm ci');
  });

  it.each(commands.filter((command) => NPM_RUN.test(command)))(
    '%s: the script exists and takes its options',
    (command) => {
      const [, name, options = ''] = NPM_RUN.exec(command)!;
      const program = /node (\S+)$/.exec(scripts[name!]!)?.[1];
      expect(program).toBeDefined();
      // Neither measures: one prints its help once its options are read, the other the names of the cases.
      const args = options.split(' ').map((option) => option.replace(/^"(.*)"$/, '$1'));
      const { status, stdout, stderr } = run(program!, ...args, name === 'bench' ? '--list' : '--help');
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toContain(name === 'bench' ? 'aes-128-gcm seal' : 'Usage: bench:compare');
    },
  );
});

describe('examples/ci/bench.yml', () => {
  it('fetches the base, ends, and may only read', () => {
    expect(steps.find(({ uses }) => uses?.startsWith('actions/checkout@'))?.with).toMatchObject({ 'fetch-depth': 0 });
    expect(workflow.jobs.bench['timeout-minutes']).toBeGreaterThan(0);
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });
});

it('an option that the bench does not have is noticed', () => {
  expect(run('bench/dist/main.js', '--quickly', '--list').status).not.toBe(0);
});

function run(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
}
