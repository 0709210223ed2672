/** The program of Node, Deno and Bun: what they observe, and the threads, as a line of JSON on stdout. */
import { observe } from './observe.mjs';
import { sealInThreads } from './threads.mjs';

// The warning about SM4 mode is for stderr, and the same everywhere.
console.warn = () => {};
const observed = await observe();
const { senders, fault } = await sealInThreads();
if (fault !== undefined) observed.faults.push(`threads: ${fault}`);
process.stdout.write(`${JSON.stringify({ runtime: runtimeName(), ...observed, senders })}\n`);

function runtimeName() {
  const { Bun, Deno } = globalThis;
  if (Deno !== undefined) return `Deno ${Deno.version.deno}`;
  return Bun === undefined ? `Node ${process.versions.node}` : `Bun ${Bun.version}`;
}
