/** `frameseal verify --peer`: peers that end, stall or give malformed answers, and usage errors. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLI, frameseal, pause, temporaryFile } from '../support/cli.js';

const RANDOM = ['--random', '200', '--seed', '7'];
const FIXTURE = new URL('../../fixtures/gbt32907.json', import.meta.url).pathname;

/** A command that runs an adapter: `body` has each request as `request`, and calls `answer`. */
function adapter(body: string): string {
  const file = temporaryFile('adapter.mjs');
  writeFileSync(
    file,
    `import { createInterface } from 'node:readline';
    const answer = (fields) => process.stdout.write(JSON.stringify(fields) + '\\n');
    let count = 0;
    for await (const line of createInterface({ input: process.stdin })) {
      const request = JSON.parse(line);
      count++;
      ${body}
    }`,
  );
  return `'${process.execPath}' '${file}'`;
}

const verifyPeer = (command: string, ...more: string[]) =>
  frameseal(['verify', '--peer', command, '--peer-timeout', '2', ...more]);

describe('a peer that is no peer', () => {
  const unusable: [what: string, command: string, message: RegExp][] = [
    ['does not exist', 'no-such-adapter-here', /peer ended \(exit code 127\); 0 answers before/],
    ['ends at once', 'exit 3', /peer ended \(exit code 3\)/],
    [
      'ends in the middle',
      adapter('if (count > 5) process.exit(4); answer({ id: request.id, error: 1 });'),
      /\(exit code 4\); 5 answers/,
    ],
    ['is killed', adapter("process.kill(process.pid, 'SIGKILL');"), /peer ended \(/],
    ['never answers', adapter(''), /gave no answer for 2 s.*flush.*the oldest: "\{\\"id\\":1,/],
    [
      'stops answering',
      adapter('if (count < 9) answer({ id: request.id, error: 1 });'),
      /gave no answer for 2 s.*8 answers before/,
    ],
    ['speaks no JSON', 'echo hello', /answered nonsense, not JSON: "hello"/],
    ['writes control characters', "printf '\\033[2Jred\\n'", /not JSON: "\\u001b\[2Jred"/],
    ['answers with a list', adapter('answer([request.id]);'), /nonsense, not a JSON object/],
    ['gives no id', adapter("answer({ status: 'BAD_TAG' });"), /nonsense, an answer without the id/],
    [
      'answers twice',
      adapter('answer({ id: 1, error: 1 }); answer({ id: 1, error: 1 });'),
      /nonsense, an answer to no request/,
    ],
    ['answers no request', adapter('answer({ id: 9e9, error: 1 });'), /nonsense, an answer to no request/],
    [
      'answers with an object',
      adapter('answer({ id: request.id, sealed: {} });'),
      /"sealed" is neither text nor a number/,
    ],
    ['gives no result', adapter('answer({ id: request.id });'), /answered nonsense: no \w+ and no status/],
    ['offers nothing', adapter('answer({ id: request.id, unsupported: true });'), /offers none of the operations/],
  ];
  it.each(unusable)('%s: exit code 2', (_, command, message) => {
    const { status, stdout, stderr } = verifyPeer(command, ...RANDOM);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(stdout).toBe('');
  });

  it('ends with what its shell started', async () => {
    const file = temporaryFile('beats');
    const beating = `(while :; do echo >> '${file}'; sleep 0.1; done) & ${adapter('')}`;
    expect(verifyPeer(beating, ...RANDOM).status).toBe(2);
    const beats = readFileSync(file).length;
    await pause(500);
    expect(readFileSync(file).length).toBe(beats);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with frameseal on %s', async (signal) => {
    const file = temporaryFile('beats');
    const beating = `(while :; do echo >> '${file}'; sleep 0.1; done) & ${adapter('')}`;
    const child = spawn(process.execPath, [CLI, 'verify', '--peer', beating, ...RANDOM], { stdio: 'ignore' });
    while (!existsSync(file)) await pause(50);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([null, signal]);
    const beats = readFileSync(file).length;
    await pause(500);
    expect(readFileSync(file).length).toBe(beats);
  });

  it('may leave a process behind that has left its group', () => {
    const { status } = verifyPeer(
      `setsid sleep 20 2>/dev/null & ${adapter('answer({ id: request.id, error: 1 });')}`,
      ...RANDOM,
    );
    expect(status).toBe(1);
  }, 15_000);

  it('may end late, after its stdin', () => {
    const file = temporaryFile('end');
    const late = adapter('answer({ id: request.id, error: 1 });');
    expect(verifyPeer(`${late}; echo > '${file}'`, ...RANDOM).status).toBe(1);
    expect(existsSync(file)).toBe(true);
  });
});

describe('a peer that errs', () => {
  it('disagrees in every row, exit code 1', () => {
    const { status, stdout } = verifyPeer(adapter("answer({ id: request.id, error: 'of mine' });"), ...RANDOM);
    expect(status).toBe(1);
    expect(stdout).toMatch(/DISAGREES .*200 random cases \(--seed 7\)\n {4}0 agree, 200 differ/);
    expect(stdout).toContain('the peer  the error of mine');
  });

  it('gets the vectors of files, and cases that it does not offer are counted', () => {
    const half = adapter(
      `answer({ id: request.id, ...('plaintext' in request ? { unsupported: true } : { status: 'BAD_TAG' }) });`,
    );
    const { status, stdout } = verifyPeer(half, '--json', FIXTURE);
    expect(status).toBe(1);
    const { ok, agree, differ, unsupported, matrix, disagreements } = JSON.parse(stdout);
    expect({ ok, agree }).toEqual({ ok: false, agree: 0 });
    expect(matrix).toEqual([{ operation: 'sm4', mode: 'SM4', framing: '', agree, differ, unsupported }]);
    expect(differ).toBe(9);
    expect(unsupported).toBe(9);
    expect(disagreements[0].request.op).toBe('sm4');
  });

  it('may answer in any order, and with numbers', () => {
    const backwards = adapter(`
      globalThis.held ??= [];
      held.unshift(request.id);
      if (held.length === 64 || held.at(-1) > 192) for (const id of held.splice(0)) answer({ id, status: 1 });`);
    expect(verifyPeer(backwards, ...RANDOM).stdout).toContain('0 agree, 200 differ');
  });
});

describe('the same seed', () => {
  it('gives the same requests', () => {
    const requests = (seed: string) => {
      const file = temporaryFile('requests');
      frameseal([
        'verify',
        '--peer',
        `tee '${file}' | ${adapter('answer({ id: request.id, unsupported: 1 });')}`,
        '--random',
        '300',
        '--seed',
        seed,
      ]);
      return readFileSync(file, 'utf8');
    };
    const [first, again, other] = [requests('1'), requests('1'), requests('2')];
    expect(first.split('\n')).toHaveLength(301);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });
});

describe('usage errors', () => {
  const wrong: [args: string[], message: RegExp][] = [
    [[], /no files/],
    [['--random', '5'], /--random and --seed are for --peer/],
    [['--peer', 'cat'], /nothing to ask the peer/],
    [['--peer', 'cat', 'no-such-file.json'], /cannot read no-such-file.json/],
    [['--peer', 'cat', '--random', '0'], /whole number from 1/],
    [['--peer', 'cat', '--random', '5', '--peer-timeout', '0'], /whole number from 1/],
  ];
  it.each(wrong)('verify %j', (args, message) => {
    const { status, stdout, stderr } = frameseal(['verify', ...args]);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(stdout).toBe('');
  });
});
