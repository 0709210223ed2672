/** The README's examples run as they stand, and its commands exist. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const root = new URL('../..', import.meta.url).pathname;
const examples = blocks('js');
const commands = blocks('sh')
  .flatMap((block) => block.split('\n'))
  .filter((line) => line.startsWith('frameseal '));

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => match[1]!);
}

function run(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
}

describe('README', () => {
  it('has examples and commands', () => {
    expect(examples.length).toBe(6);
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

  // The names are not registered: outside a checkout `npx frameseal` would run what somebody else registers.
  it('no page has npx or npm fetch a package of that name', () => {
    for (const page of ['README.md', 'CONTRIBUTING.md', 'src/cli/README.md', 'bench/README.md']) {
      const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
      expect(text, page).not.toMatch(/npx (-y |--yes )?(-- )?frameseal|npm (i|install|add) frameseal(-cli)?$/m);
    }
  });

  it('links to files of the package', () => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { files } = JSON.parse(manifest) as { files: string[] };
    for (const [, target] of readme.matchAll(/\]\(([^)#]+)/g)) expect(files).toContain(target);
  });

  // `npm run test:system` has just built the command without installing it: what a build writes need not have a run bit.
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
    const [command, ...rest] = line.replace(/ +#.*/, '').split(' ').slice(1);
    const { status, stdout } = run('src/cli/dist/main.js', command!, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: frameseal ${command} `);
    for (const option of rest.filter((word) => word.startsWith('--'))) expect(stdout).toContain(option);
  });
});
