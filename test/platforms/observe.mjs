/**
 * What every platform runs: which engine a channel gets, then the suite. Uses the language and the package alone. The answer is
 * plain data; nothing throws.
 */
import * as frameseal from 'frameseal';
import { configOf, MODES } from './suite/assert.mjs';
import { describeError, runSuite } from './suite/suite.mjs';

/** Magic number and version: a module with nothing in it. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** The facts of a platform; run.mjs has the right ones for each. */
export async function observe() {
  // 'simd' comes before and after 'auto': what one of them found must not change the other's answer.
  const before = MODES.map((mode) => engineOf(mode, 'simd'));
  const auto = MODES.map((mode) => engineOf(mode, 'auto'));
  const after = MODES.map((mode) => engineOf(mode, 'simd'));
  return {
    validates: outcomeOf(() => WebAssembly.validate(EMPTY_MODULE)),
    compiles: outcomeOf(() => new WebAssembly.Module(EMPTY_MODULE) instanceof WebAssembly.Module) === true,
    auto: unique(auto),
    simd: unique([...before, ...after]),
    ...(await runSuite()),
  };
}

/** The engine of a new channel, or the error that making one throws. */
export function engineOf(mode, engine) {
  return outcomeOf(() => {
    const channel = frameseal.enableEncryption(configOf(mode), { engine });
    const name = channel.engine;
    channel.close();
    return name;
  });
}

/** What a call returns; the EngineError of the package by its name alone, any other error with its message. */
function outcomeOf(work) {
  try {
    return work();
  } catch (error) {
    return error instanceof frameseal.EngineError ? 'EngineError' : describeError(error);
  }
}

function unique(values) {
  return [...new Set(values)].join(' or ');
}
