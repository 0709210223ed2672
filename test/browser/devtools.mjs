/** A page in Chromium without a screen, driven over the DevTools protocol through a pair of pipes: no port, no library. */
import { spawn } from 'node:child_process';
import { end, FLAGS } from '../platforms/chromium.mjs';

const POLL_MS = 50;

/**
 * Opens the address in a Chromium of its own, calls `work(page)`, and ends the browser. `file` gives names in a temporary
 * directory. Throws what `work` throws, or that the browser ended first.
 */
export async function inPage(file, address, flags, work) {
  const homes = ['HOME', 'TMPDIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME'].map((name) => `${name}=${file('.')}`);
  const args = [...FLAGS, ...flags, '--remote-debugging-pipe', `--user-data-dir=${file('profile')}`, 'about:blank'];
  const child = spawn('env', [...homes, 'chromium', ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  try {
    const broken = ended.then((code) => Promise.reject(new Error(`Chromium ended with ${code}`)));
    return await Promise.race([broken, open(child, address).then(work)]);
  } finally {
    await end({ child, ended });
    process.off('exit', kill);
  }
}

async function open(child, address) {
  const page = new Page(child.stdio[3], child.stdio[4]);
  const { targetInfos } = await page.send('Target.getTargets');
  const { targetId } = targetInfos.find(({ type }) => type === 'page');
  page.session = (await page.send('Target.attachToTarget', { targetId, flatten: true })).sessionId;
  for (const domain of ['Page', 'Runtime', 'Log']) await page.send(`${domain}.enable`);
  await page.send('Page.navigate', { url: address });
  await page.until('document.readyState === "complete"');
  return page;
}

class Page {
  session;
  /** What the console and the browser said of errors: exceptions, files that are missing, violations of the policy. */
  errors = [];
  #requests;
  #answers = new Map();
  #sent = 0;
  #text = '';

  constructor(requests, answers) {
    this.#requests = requests;
    requests.on('error', () => {});
    answers.setEncoding('utf8').on('data', (data) => this.#receive(data));
  }

  /** A command of the protocol, and its result. */
  send(method, params = {}) {
    const id = ++this.#sent;
    const session = this.session === undefined ? {} : { sessionId: this.session };
    this.#requests.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
  }

  /** The value of an expression; a promise is awaited. */
  async get(expression) {
    const params = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', params);
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    return result.value;
  }

  /** Waits until the expression is true. Returns the milliseconds that it took; throws after `limitMs`. */
  async until(expression, limitMs = 10_000) {
    const startMs = performance.now();
    while (!(await this.get(expression))) {
      if (performance.now() - startMs > limitMs) throw new Error(`not within ${limitMs / 1000} s: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return performance.now() - startMs;
  }

  #receive(data) {
    const messages = (this.#text + data).split('\0');
    this.#text = messages.pop();
    for (const message of messages) this.#take(JSON.parse(message));
  }

  #take({ id, result, error, method, params }) {
    if (method === 'Runtime.exceptionThrown') this.errors.push(params.exceptionDetails.exception?.description);
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.errors.push(params.entry.text);
    const answer = this.#answers.get(id);
    if (answer === undefined) return;
    this.#answers.delete(id);
    if (error) answer.reject(new Error(error.message));
    else answer.resolve(result);
  }
}
