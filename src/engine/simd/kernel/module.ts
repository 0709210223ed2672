/**
 * The module: one source, three forms. Look-ups are i8x16.swizzle in the plain form, and i8x16.relaxed_swizzle in the relaxed
 * one, one instruction on most processors (Node 22 and newer, current browsers). Indices are 0..15, or have their top bit set,
 * for which both agree. The wide form is the relaxed one with another AES for groups of blocks (wide.ts).
 */
import { CONSTANTS_END, LEAST_PAGES, MOST_PAGES } from '../layout.js';
import { groupsFunction, packedFunction } from './aes.js';
import { Constants } from './constants.js';
import {
  authenticateFunction,
  type Callees,
  cryptFramesFunction,
  cryptFunction,
  openFunction,
  sealFunction,
} from './frames.js';
import { hashFunction, powerTablesFunction } from './ghash.js';
import { lastBytesFunction, packKeysFunction, prefetchFunction, subWordFunction } from './keys.js';
import { sm4Function, sm4KeysFunction } from './sm4.js';
import { fewBlocksFunction } from './vpaes.js';
import { encodeModule, type FunctionCode } from './wasm.js';
import {
  packPairsFunction,
  pairFirstRoundFunction,
  pairGroupsFunction,
  pairPackedFunction,
  pairRoundsFunction,
} from './wide.js';

export function buildModule(form: 'plain' | 'relaxed' | 'wide'): Uint8Array {
  const target = { relaxed: form !== 'plain', wide: form === 'wide', constants: new Constants() };
  const called = ['groups', 'fewBlocks', 'packed', 'crypt', 'cryptFrames', 'hash', 'authenticate'] as const;
  const indices = Object.fromEntries(called.map((name, index) => [name, index])) as Record<
    (typeof called)[number],
    number
  >;
  const callees: Callees = { ...indices, pairRounds: 16, pairFirstRound: 17 };
  const functions: FunctionCode[] = [
    target.wide ? pairGroupsFunction(target, callees) : groupsFunction(target),
    fewBlocksFunction(target),
    target.wide ? pairPackedFunction(target, callees) : packedFunction(target),
    cryptFunction(target, callees),
    cryptFramesFunction(target, callees),
    hashFunction(target),
    authenticateFunction(target, callees),
    sealFunction(target, callees),
    openFunction(target, callees),
    subWordFunction(target),
    packKeysFunction(target),
    lastBytesFunction(target),
    powerTablesFunction(target),
    sm4Function(target),
    sm4KeysFunction(target),
    prefetchFunction(target),
    ...(target.wide ? [pairRoundsFunction(target), pairFirstRoundFunction(target), packPairsFunction(target)] : []),
  ];
  for (const [name, index] of Object.entries(callees)) {
    if (functions[index] !== undefined && functions[index].name !== name)
      throw new Error(`${name} is not where its callers look for it`);
  }
  const data = target.constants.bytes;
  if (data.length > CONSTANTS_END) throw new Error('the constants pass the end of their place');
  return encodeModule({ functions, memoryPages: { least: LEAST_PAGES, most: MOST_PAGES }, data });
}
