/**
 * The suite of `npm run test:platforms`: the vectors and the core of the contract, for every runtime. Plain ES modules that need
 * the language and the installed package alone, and no test framework.
 */
import { takeAssertions } from './assert.mjs';
import { CHANNEL_CHECKS } from './channels.mjs';
import { CIPHER_CHECKS } from './ciphers.mjs';
import { SRTP_CHECKS } from './srtp.mjs';
import { STREAM_CHECKS } from './streams.mjs';

const MESSAGE_LENGTH = 200;

/** Runs every check; those of vectors return a number of cases. Nothing throws; the result is plain data. */
export async function runSuite() {
  takeAssertions();
  const faults = [];
  let cases = 0;
  const checks = [...CIPHER_CHECKS, ...CHANNEL_CHECKS, ...SRTP_CHECKS, ...STREAM_CHECKS];
  for (const [name, check] of checks) {
    try {
      cases += (await check()) ?? 0;
    } catch (error) {
      faults.push(`${name}: ${describeError(error)}`);
    }
  }
  return { cases, checks: checks.length, assertions: takeAssertions(), faults };
}

export function describeError(error) {
  return `${error.name}: ${error.message.slice(0, MESSAGE_LENGTH)}`;
}
