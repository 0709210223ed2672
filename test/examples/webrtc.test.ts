/** examples/webrtc as it is served: its policy, and that all it loads is there. The call itself: `npm run test:browser`. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { spawnNode } from '../../src/cli/children.js';

const FOLDER = new URL('../../examples/webrtc/', import.meta.url);
const STATES = ['idle', 'starting', 'running', 'wrong', 'error'];
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

/** The address of the example, served by a process that ends with the test. */
async function served(): Promise<URL> {
  const child = spawnNode([new URL('serve.mjs', FOLDER).pathname, '--port', '0'], ['ignore', 'pipe', 'inherit']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(child.stdout!.setEncoding('utf8'), 'data');
  return new URL(String(line).trim());
}

/** The values of an attribute in a page. */
const valuesOf = (page: string, attribute: string): string[] =>
  [...page.matchAll(new RegExp(` ${attribute}="([^"]*)"`, 'g'))].map(([, value]) => value!);

describe('npm run example:webrtc', () => {
  it('is a script that serves this example', () => {
    const { scripts } = JSON.parse(read('../../package.json')) as { scripts: Record<string, string> };
    expect(scripts['example:webrtc']).toContain('node examples/webrtc/serve.mjs');
  });

  it('every answer has a policy that forbids all but its own scripts, and WebAssembly', async () => {
    const address = await served();
    expect(address.hostname).toBe('127.0.0.1');
    for (const path of ['/', '/page.js', '/worker.js', '/style.css', '/none']) {
      const response = await fetch(new URL(path, address));
      const policy = response.headers.get('content-security-policy')!;
      const rules = Object.fromEntries(policy.split('; ').map((rule) => rule.split(/ (.*)/, 2)));
      expect(rules).toMatchObject({
        'default-src': "'none'",
        'script-src': "'self' 'wasm-unsafe-eval'",
        'worker-src': "'self'",
        'style-src': "'self'",
      });
      expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:|\*/);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.status, path).toBe(path === '/none' ? 404 : 200);
    }
  });

  it('the page has nothing inline, and all that it loads is served', async () => {
    const address = await served();
    const page = await (await fetch(address)).text();
    expect(page).not.toMatch(/<style|<script(?![^>]* src=)| style=| on\w+=/);
    const loaded = [...valuesOf(page, 'src'), ...valuesOf(page, 'href')].filter((url) => !url.startsWith('data:'));
    expect(loaded.toSorted()).toEqual(['page.js', 'style.css']);
    const workers = [...read('page.js').matchAll(/new Worker\('([^']+)'/g)].map(([, name]) => name!);
    expect(workers).toEqual(['worker.js']);
    for (const name of [...loaded, ...workers]) {
      const response = await fetch(new URL(name, address));
      expect(response.headers.get('content-type')).toMatch(name.endsWith('.css') ? /^text\/css/ : /^text\/javascript/);
      const text = await response.text();
      expect(text.length).toBeGreaterThan(1000);
      // A bundle holds all of its modules.
      if (name.endsWith('.js')) expect(text).not.toMatch(/^\s*(import\b|export .* from)/m);
    }
    expect(await (await fetch(new URL('worker.js', address))).text()).toContain('AES_128_GCM2');
  });

  it('gives no other file away', async () => {
    const address = await served();
    for (const path of ['/serve.mjs', '/../package.json', '/%2e%2e/package.json', '/style.css/../page.js', '//']) {
      const asked = request({ host: address.hostname, port: address.port, path });
      asked.end();
      const [response] = await once(asked, 'response');
      expect(response.statusCode, path).toBe(404);
      response.destroy();
    }
  });

  it('says what to do where the port is taken', async () => {
    const { port } = await served();
    const args = [new URL('serve.mjs', FOLDER).pathname, '--port', port];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, lines: stderr.split('\n').length - 1 }).toEqual({ status: 1, lines: 2 });
    expect(stderr).toMatch(/address already in use.*\n.*--port 0/);
  });
});

describe('the page', () => {
  const page = read('index.html');

  it('has the elements that its scripts name, each once', () => {
    const ids = valuesOf(page, 'id');
    expect(new Set(ids).size).toBe(ids.length);
    const scripts = read('page.js') + read('view.js');
    const named = [...scripts.matchAll(/byId\('([\w-]+)'\)/g)].map(([, id]) => id!);
    expect(named.length).toBeGreaterThan(20);
    for (const id of named) expect(ids).toContain(id);
  });

  it('labels its fields, and says aloud what changes', () => {
    for (const id of ['key', 'salt']) expect(valuesOf(page, 'for')).toContain(id);
    expect(page).toMatch(/<label[^>]*>Codec <select/);
    expect(page).toMatch(/id="mismatch" role="status"/);
    expect(page).toMatch(/id="trouble" role="alert"/);
    expect(page).toMatch(/id="events"[^>]* role="log"/);
    for (const id of [...valuesOf(page, 'aria-labelledby'), ...valuesOf(page, 'aria-describedby').join(' ').split(' ')])
      expect(valuesOf(page, 'id')).toContain(id);
  });

  it('has a look for its states, for the dark and for narrow screens', () => {
    const style = read('style.css');
    for (const state of STATES) expect(read('page.js')).toContain(`${state}: [`);
    for (const state of ['running', 'wrong']) expect(style).toContain(`[data-state="${state}"]`);
    for (const query of ['prefers-color-scheme: dark', 'max-width: 760px', 'prefers-reduced-motion'])
      expect(style).toContain(query);
  });

  it('text has a contrast of 4.5 or more, in the light and in the dark', () => {
    const [light, dark] = [...read('style.css').matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => tokensOf(block!));
    for (const tokens of [light!, dark!]) {
      const pairs = [
        ...['text', 'soft', 'faint', 'out', 'back', 'good', 'bad'].map((name) => [name, 'card']),
        ...['soft', 'faint'].map((name) => [name, 'page']),
        ...[
          ['good', 'good-soft'],
          ['bad', 'bad-soft'],
          ['on-out', 'out'],
          ['soft', 'field'],
        ],
      ] as [string, string][];
      for (const [front, back] of pairs)
        expect(contrast(tokens[front]!, tokens[back]!), `${front} on ${back}`).toBeGreaterThanOrEqual(4.5);
    }
  });
});

function tokensOf(block: string): Record<string, string> {
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]+)/g)].map(([, name, value]) => [name!, value!]));
}

/** WCAG 2.2, "contrast ratio". */
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const digits = colour.length === 4 ? [...colour.slice(1)].map((d) => d + d).join('') : colour.slice(1);
  const [r, g, b] = [0, 2, 4].map((at) => {
    const value = Number.parseInt(digits.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
