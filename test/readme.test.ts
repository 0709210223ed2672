/** The README's examples run as they stand, and its commands exist. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const root = new URL('..', import.meta.url).pathname;
const examples = blocks('js');
const commands = blocks('sh')
  .flatMap((block) => block.split('\n'))
  .filter((line) => line.startsWith('npx frameseal '));

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => match[1]!);
}

function run(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
}

describe('README', () => {
  it('has examples and commands', () => {
    expect(examples.length).toBe(4);
    expect(commands.length).toBeGreaterThanOrEqual(5);
    for (const command of ['npm ci && npm start', 'npm ci && npm test']) expect(readme).toContain(command);
  });

  it.each(examples.map((code, i) => [i + 1, code] as const))('example %i runs', (i, code) => {
    mkdirSync(`${root}build`, { recursive: true });
    const file = `${root}build/readme-${i}.mjs`;
    writeFileSync(file, code);
    const { status, stderr, stdout } = run(file);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    if (i === 1) expect(stdout).toMatch(/^compare by voice: ([0-9a-f]{4}-?){4}, .*\n172 bytes from [0-9a-f]{16}\n$/);
  });

  // `npm test` has just built the command without installing it: what a build writes need not have a run bit.
  it('npx finds a command that runs', () => {
    const { status, stdout, stderr } = spawnSync('npx', ['--no', '--', 'frameseal', '--version'], {
      cwd: root,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each(commands)('%s', (line) => {
    const [command, ...rest] = line.replace(/ +#.*/, '').split(' ').slice(2);
    const { status, stdout } = run('src/cli/dist/main.js', command!, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: frameseal ${command} `);
    for (const option of rest.filter((word) => word.startsWith('--'))) expect(stdout).toContain(option);
  });
});
