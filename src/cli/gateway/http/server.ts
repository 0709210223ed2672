/**
 * The HTTP side of a gateway: /metrics, /healthz, /readyz, /status, and a page at /. It only reads.
 *
 * It shares a thread with media, so HTTP clients get a bounded share of it: connections, requests a second, the size of a
 * head and the time of an exchange have limits, and answers that are asked for in the same moment are made once.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { Rates } from '../rates.js';
import type { GatewaySnapshot, GatewayView, ServeHttp } from '../snapshot.js';
import { Metrics } from './metrics.js';
import { statusOf } from './status.js';

const MAX_CONNECTIONS = 100;
const MAX_REQUESTS_PER_SECOND = 100;
const MAX_HEAD_BYTES = 8192;
/** An exchange: from the connection, or the end of the last answer, to the last byte of the answer. */
const EXCHANGE_LIMIT_MS = 10_000;
const SNAPSHOT_LIMIT_MS = 2000;
/** An answer is given again for so long. */
const FRESH_MS = 100;
const SAMPLE_EVERY_MS = 1000;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const PLAIN = 'text/plain; charset=utf-8';
const PAGE = readFileSync(new URL('./page.html', import.meta.url), 'utf8');
/** The page runs its own script and style, and asks its own origin. */
const POLICY = `default-src 'none'; connect-src 'self'; img-src data:; style-src ${hashOf('style')}; script-src ${hashOf('script')}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export const serveHttp: ServeHttp = async ({ host, port }, view) => {
  const pages = new Pages(view);
  const limit = new RequestLimit();
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      requestTimeout: EXCHANGE_LIMIT_MS,
      keepAliveTimeout: EXCHANGE_LIMIT_MS,
      connectionsCheckingInterval: SAMPLE_EVERY_MS,
    },
    (request, response) => {
      if (limit.takes()) void answer(pages, request, response);
      else request.socket.destroy();
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening');
  pages.start();
  return {
    address: addressOf(server),
    close: async () => {
      pages.stop();
      server.close();
      server.closeAllConnections();
    },
  };
};

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A reader that takes a byte now and then would keep its connection for ever.
  const late = setTimeout(() => request.socket.destroy(), EXCHANGE_LIMIT_MS);
  response.on('close', () => clearTimeout(late));
  response.on('error', () => {});
  const { status, type, body } = await answerTo(pages, request);
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...(status === 405 && { allow: 'GET, HEAD' }),
    // A body that comes with a request is not read.
    ...(status >= 400 && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answerTo(pages: Pages, { method, url = '/' }: IncomingMessage): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: PLAIN, body: 'only GET and HEAD\n' };
  const path = url.split('?', 1)[0]!;
  try {
    const found = await pages.answer(path);
    if (found !== undefined) return found;
    return { status: 404, type: PLAIN, body: 'there are /, /status, /metrics, /healthz and /readyz\n' };
  } catch {
    return {
      status: 503,
      type: PLAIN,
      body: `no snapshot within ${SNAPSHOT_LIMIT_MS / 1000} s: a thread of the gateway hangs\n`,
    };
  }
}

/** The answers by path. */
class Pages {
  readonly #view: GatewayView;
  readonly #rates = new Rates();
  readonly #metrics = new Metrics();
  readonly #recent = new Map<string, { readonly timeMs: number; readonly answer: Promise<Answer> }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(view: GatewayView) {
    this.#view = view;
  }

  start(): void {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
    this.#timer.unref();
    this.#sample();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Undefined for an unknown path. Rejects where the gateway gives no snapshot. */
  async answer(path: string): Promise<Answer | undefined> {
    switch (path) {
      case '/':
        return { status: 200, type: 'text/html; charset=utf-8', body: PAGE };
      case '/healthz':
        return { status: 200, type: PLAIN, body: 'ok\n' };
      case '/readyz':
        return this.#once(path, readiness);
      case '/status':
        return this.#once(path, (snapshot) => ({
          status: 200,
          type: 'application/json; charset=utf-8',
          body: `${JSON.stringify(statusOf(snapshot, this.#rates))}\n`,
        }));
      case '/metrics':
        return this.#once(path, async (snapshot) => ({
          status: 200,
          type: this.#metrics.contentType,
          body: await this.#metrics.text(snapshot),
        }));
      default:
        return undefined;
    }
  }

  /** An answer that is being made, or was made a moment ago, is the answer to the next request too. */
  #once(path: string, make: (snapshot: GatewaySnapshot) => Answer | Promise<Answer>): Promise<Answer> {
    const recent = this.#recent.get(path);
    const timeMs = performance.now();
    if (recent !== undefined && timeMs - recent.timeMs < FRESH_MS) return recent.answer;
    const answer = this.#snapshot().then(make);
    this.#recent.set(path, { timeMs, answer });
    return answer;
  }

  #snapshot(): Promise<GatewaySnapshot> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no snapshot')), SNAPSHOT_LIMIT_MS);
      this.#view
        .snapshot()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }

  #sample(): void {
    // A second without a snapshot is left out.
    this.#snapshot().then(
      (snapshot) => this.#rates.sample(snapshot),
      () => {},
    );
  }
}

function readiness({ unready }: GatewaySnapshot): Answer {
  if (unready.length === 0) return { status: 200, type: PLAIN, body: 'ready\n' };
  return { status: 503, type: PLAIN, body: `not ready\n${unready.map((why) => `${why}\n`).join('')}` };
}

/** A token bucket: MAX_REQUESTS_PER_SECOND, refilled continuously. */
class RequestLimit {
  #tokens = MAX_REQUESTS_PER_SECOND;
  #timeMs = performance.now();

  takes(): boolean {
    const nowMs = performance.now();
    const refill = ((nowMs - this.#timeMs) / 1000) * MAX_REQUESTS_PER_SECOND;
    this.#tokens = Math.min(MAX_REQUESTS_PER_SECOND, this.#tokens + refill);
    this.#timeMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

function hashOf(element: 'style' | 'script'): string {
  const content = new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(PAGE)![1]!;
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
