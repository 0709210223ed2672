/** A page under a Content-Security-Policy, on loopback, and the reports that it and its worker post back. */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';

const PAGE = '<!doctype html><title>frameseal</title><script type="module" src="/client.js"></script>';
export const PLACES = ['page', 'worker'];

/**
 * Serves the page with `script` as its client.js. `reports` holds a promise for each place; it rejects after `limitMs`.
 * A worker is under the policy of its own response, so every response has it.
 */
export async function servePage(policy, script, limitMs) {
  const files = { '/': ['text/html', PAGE], '/client.js': ['text/javascript', script] };
  const posts = new EventEmitter();
  const server = createServer((request, response) => {
    response.setHeader(
      'Content-Security-Policy',
      `default-src 'none'; ${policy}; worker-src 'self'; connect-src 'self'`,
    );
    if (request.method === 'POST') {
      receive(request, posts);
      response.end();
      return;
    }
    const [type, text] = files[request.url] ?? ['text/plain', ''];
    response.writeHead(text === '' ? 404 : 200, { 'Content-Type': type }).end(text);
  });
  const reports = Object.fromEntries(PLACES.map((place) => [place, reportOf(posts, place, limitMs)]));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { address: `http://127.0.0.1:${server.address().port}/`, reports, close };
}

async function receive(request, posts) {
  const chunks = await request.toArray();
  posts.emit(request.url, Buffer.concat(chunks).toString());
}

async function reportOf(posts, place, limitMs) {
  try {
    const [text] = await once(posts, `/report/${place}`, { signal: AbortSignal.timeout(limitMs) });
    return JSON.parse(text);
  } catch {
    return { failed: `no report within ${limitMs / 1000} s` };
  }
}
