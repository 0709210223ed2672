/**
 * The README and the pages in docs/ work copied into a shell: js blocks run, ts blocks compile, sh blocks run one after the other in
 * a folder that looks like the checkout. Indented blocks need other machines or tools, and do not run.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (page: string): string => readFileSync(join(root, page), 'utf8');
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const pages = ['README.md', ...docs.map((name) => `docs/${name}`)];

/** Ports that pages name; a test takes others, which are free. */
const PORTS = { 5004: 25_004, 6004: 26_004, 7004: 27_004, 9464: 29_464, 9465: 29_465 };
const SHELL_LIMIT_MS = 120_000;
/** A page may show the command of a mode that warns. */
const SM4_WARNING = /^frameseal: SM4_128_ECB has no integrity.*\n/gm;
/** The types of a ts block, by the file that its first line names. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  'page.ts': ['es2023', 'dom', 'dom.iterable'],
  'worker.ts': ['es2023', 'webworker'],
};

function blocks(page: string, language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...text(page).matchAll(pattern)].map((match) => match[1]!);
}

/** Blocks of a language in all pages, with a name for each. */
function allBlocks(language: string) {
  return pages.flatMap((page) =>
    blocks(page, language).map((code, i) => ({ name: `${page.replace(/\W/g, '-')}-${i + 1}`, page, code })),
  );
}

function build(name: string, code: string): string {
  const file = join(root, 'build/pages', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
  return file;
}

describe('pages', () => {
  it('exist for each job, and the README is short', () => {
    const jobs = ['bench', 'browser', 'gateway', 'harness', 'library', 'operating', 'recordings', 'sm4', 'srtp'];
    expect(docs).toEqual(expect.arrayContaining(jobs.map((name) => `${name}.md`)));
    expect(text('README.md').split('\n').length).toBeLessThanOrEqual(160);
    for (const page of docs) expect(text('README.md'), page).toContain(`(docs/${page})`);
    for (const command of ['npm ci && npm start', 'npm ci && npm test']) expect(text('README.md')).toContain(command);
    expect([allBlocks('js').length, allBlocks('ts').length]).toEqual([8, 2]);
  });

  it.each(allBlocks('js'))('$name: js runs', ({ name, page, code }) => {
    const file = build(`${name}.mjs`, code);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: root, encoding: 'utf8' });
    expect(stderr.replace(SM4_WARNING, '')).toBe('');
    expect(status).toBe(0);
    if (page !== 'README.md') return;
    expect(stdout).toMatch(/^compare by voice: ([0-9a-f]{4}-?){4}, .*\n172 bytes from [0-9a-f]{16}\n$/);
  });

  it.each(allBlocks('ts'))('$name: ts compiles', ({ name, code }) => {
    const kind = /^\/\/ (\w+\.ts)\n/.exec(code)?.[1] ?? '';
    const file = build(`${name}/${kind}`, code);
    const declarations = { frameseal: 'index.d.ts', 'frameseal/webrtc': 'webrtc/index.d.ts' };
    const paths = Object.entries(declarations).map(([from, to]) => [from, [join(root, 'dist', to)]]);
    const compilerOptions = {
      ...{ target: 'es2022', module: 'esnext', moduleResolution: 'bundler', moduleDetection: 'force' },
      ...{ strict: true, noEmit: true, skipLibCheck: true, types: [], lib: LIBRARIES[kind] },
      paths: Object.fromEntries(paths),
    };
    const project = build(`${name}/tsconfig.json`, JSON.stringify({ compilerOptions, files: [file] }));
    const { status, stdout } = spawnSync(process.execPath, ['node_modules/typescript/lib/tsc.js', '-p', project], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it.runIf(process.platform === 'linux').each(pages.filter((page) => blocks(page, 'sh').length > 0))(
    '%s: sh runs',
    (page) => {
      const checkout = checkoutLike();
      try {
        const { status, stdout, stderr } = runShell(blocks(page, 'sh').join('\n'), checkout);
        expect(`${stdout}${status === 0 ? '' : stderr}`).not.toMatch(/^error|not found/m);
        expect(status, stderr).toBe(0);
      } finally {
        rmSync(checkout, { recursive: true, force: true });
      }
    },
    2 * SHELL_LIMIT_MS,
  );

  it.each(pages)('%s: commands have the options that they are shown with', (page) => {
    const lines = text(page).matchAll(/^(?: {4})?(?:sed .*&& )?frameseal ((?:fleet )?[a-z-]+)(.*)$/gm);
    for (const [, command, rest] of lines) {
      const args = ['src/cli/dist/main.js', ...command!.split(' '), '--help'];
      const { status, stdout } = spawnSync(process.execPath, args, {
        cwd: root,
        encoding: 'utf8',
      });
      expect(status, command).toBe(0);
      const options = rest!.replace(/ +#.*/, '').match(/(?<= )--[a-z][a-z-]*/g) ?? [];
      for (const option of options) expect(stdout, `frameseal ${command}`).toContain(option);
    }
  });

  it.each(pages)('%s: links lead to files of the repository, and to headings of pages', (page) => {
    for (const [, target, heading] of text(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const file = target === '' ? join(root, page) : join(root, dirname(page), target!);
      expect(existsSync(file), `${page}: ${target}`).toBe(true);
      if (heading !== undefined && statSync(file).isFile()) {
        expect(headings(readFileSync(file, 'utf8')), `${page}: ${target}`).toContain(heading);
      }
    }
  });

  // npm shows the README of the package; the chart is in the repository alone.
  it("the README's links lead to files of the package", () => {
    const { files } = JSON.parse(text('package.json')) as { files: string[] };
    const targets = [...text('README.md').matchAll(/(?<!!\[[^\]]*)\]\(([^)#]+)/g)].map(([, target]) => target!);
    for (const target of targets) expect(files).toContain(target);
  });

  // The names are not registered: outside a checkout `npx frameseal` would run a package of another author.
  it('no page has npx or npm fetch a package of that name', () => {
    for (const page of [...pages, 'CONTRIBUTING.md', 'src/cli/README.md', 'bench/README.md']) {
      expect(text(page), page).not.toMatch(/npx (-y |--yes )?(-- )?frameseal|npm (i|install|add) frameseal(-cli)?$/m);
    }
  });

  // `npm run test:system` has just built the command without installing it: what a build writes needs no run bit.
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
});

/** A new folder with links to all that a checkout has, so that commands leave nothing in the checkout. */
function checkoutLike(): string {
  const folder = mkdtempSync(join(tmpdir(), 'frameseal-pages-'));
  for (const name of readdirSync(root).filter((each) => each !== 'build')) {
    symlinkSync(join(root, name), join(folder, name));
  }
  return folder;
}

/** Runs lines in bash, on other ports, until one fails; ends the processes that they started. */
function runShell(lines: string, cwd: string) {
  const moved = Object.entries(PORTS).reduce((script, [from, to]) => script.replaceAll(`:${from}`, `:${to}`), lines);
  const script = `set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${moved}`;
  return spawnSync('bash', ['-c', script], { cwd, encoding: 'utf8', timeout: SHELL_LIMIT_MS });
}

/** The anchors of a page's headings. */
function headings(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}
