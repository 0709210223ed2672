/**
 * `npm run example:webrtc [-- --port N]`: serves the call on loopback, and prints its address. esbuild bundles the page's script
 * and the worker's with the package, because import maps do not hold in workers.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildSync } from 'esbuild';

const PORT = '8022';
const SCRIPTS = ['page.js', 'worker.js'];
const TYPES = { html: 'text/html', css: 'text/css', js: 'text/javascript' };
/** 'wasm-unsafe-eval' is for the SIMD engine; without it frames take the portable one, which is slower and not constant-time. */
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Permissions-Policy': 'camera=(self), microphone=(self)',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/** Serves on 127.0.0.1; port 0 is any free one. Returns the server, which listens. */
export async function serve(port) {
  const files = bundled();
  files.set('/', read('index.html')).set('/style.css', read('style.css'));
  const server = createServer(({ method, url }, response) => {
    const file = method === 'GET' ? files.get(url) : undefined;
    response.writeHead(file ? 200 : 404, {
      ...HEADERS,
      'Content-Type': `${file?.type ?? 'text/plain'}; charset=utf-8`,
    });
    response.end(file?.body ?? 'not here\n');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function bundled() {
  const { outputFiles } = buildSync({
    absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
    entryPoints: SCRIPTS,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    outdir: '.',
    write: false,
    // The package as users have it: the checkout's own tsconfig.json has it from its sources.
    tsconfigRaw: '{}',
    logLevel: 'error',
  });
  return new Map(SCRIPTS.map((name, i) => [`/${name}`, { type: TYPES.js, body: outputFiles[i].contents }]));
}

function read(name) {
  return { type: TYPES[name.split('.').at(-1)], body: readFileSync(new URL(name, import.meta.url)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values } = parseArgs({ options: { port: { type: 'string', default: PORT } } });
    const server = await serve(Number(values.port));
    process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\nA free port: npm run example:webrtc -- --port 0\n`);
    process.exitCode = 1;
  }
}
