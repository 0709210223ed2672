/** workerd, the runtime of Cloudflare Workers, by way of miniflare. */
import { inTemporaryDirectory } from '../e2e/tools.mjs';
import { loadMiniflare } from './packages.mjs';

const ANSWER_LIMIT_MS = 240_000;
/** One at which workerd has no FinalizationRegistry. */
const COMPATIBILITY_DATE = '2025-05-01';

/** What a worker answers; `wasm` holds the bytes of its `./simd.wasm`, where it imports one. */
export async function observeInWorkerd(script, wasm) {
  const Miniflare = await loadMiniflare();
  let observed;
  await inTemporaryDirectory(async (file) => {
    const { TMPDIR } = process.env;
    // Miniflare asks once, while it is made; an interrupted one leaves its files there.
    process.env.TMPDIR = file('.');
    const runtime = new Miniflare(optionsOf(script, wasm));
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    observed = await answerOf(runtime);
  });
  return observed;
}

function optionsOf(script, wasm) {
  const modules = [{ type: 'ESModule', path: 'worker.mjs', contents: script }];
  if (wasm !== undefined) modules.push({ type: 'CompiledWasm', path: 'simd.wasm', contents: wasm });
  return {
    modules,
    compatibilityDate: COMPATIBILITY_DATE,
    // Else it looks up the properties of a request on the network, and keeps them in a file.
    cf: false,
    handleRuntimeStdio: discard,
  };
}

async function answerOf(runtime) {
  try {
    return await Promise.race([runtime.dispatchFetch('http://worker/').then(readAnswer), limit()]);
  } catch (error) {
    return { failed: String(error) };
  } finally {
    await runtime.dispose();
  }
}

async function readAnswer(response) {
  const text = await response.text();
  return response.ok ? JSON.parse(text) : { failed: `status ${response.status}: ${text.slice(0, 500)}` };
}

function limit() {
  const late = { failed: `no answer within ${ANSWER_LIMIT_MS / 1000} s` };
  return new Promise((resolve) => setTimeout(resolve, ANSWER_LIMIT_MS, late).unref());
}

/** The worker's warnings are expected; what goes wrong is in the answer. */
function discard(stdout, stderr) {
  stdout.resume();
  stderr.resume();
}
