/** A page that makes calls, on loopback, and what it posts back of them. */
import { once } from 'node:events';
import { createServer } from 'node:http';

const PAGE = '<!doctype html><title>frameseal</title><body><script type="module" src="/page.js"></script>';
/** Ends a call that hangs; includes the start of the page. */
const SPARE_MS = 60_000;
const SPARE_OF_CALL_MS = 25_000;

/** Has `open` show the page; `report` gets the result of each call. Returns the reason of a failure, if any. */
export async function serveCalls(scripts, cases, open, report) {
  const { promise: done, resolve } = Promise.withResolvers?.() ?? withResolvers();
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
      response.end();
      if (request.url === '/case') report(body);
      else resolve(body.failed);
    } else if (request.url === '/cases') {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ cases }));
    } else if (scripts[request.url]) {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(scripts[request.url]);
    } else {
      response.writeHead(request.url === '/' ? 200 : 404, { 'Content-Type': 'text/html' }).end(PAGE);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const limitMs = cases.reduce((sum, { seconds }) => sum + 1000 * seconds + SPARE_OF_CALL_MS, SPARE_MS);
  const limit = setTimeout(() => resolve(`not done after ${limitMs / 1000} s`), limitMs);
  try {
    return await open(`http://127.0.0.1:${server.address().port}/`, done);
  } finally {
    clearTimeout(limit);
    server.close();
    server.closeAllConnections();
  }
}

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
