/**
 * The module: one source, two forms. With `relaxed`, look-ups are i8x16.relaxed_swizzle, one instruction on most processors
 * (Node 22 and newer, current browsers); without, i8x16.swizzle. Indices are 0..15, or have their top bit set, for which
 * both agree.
 */
import { CONSTANTS_END, LEAST_PAGES, MOST_PAGES } from '../layout.js';
import { groupsFunction, packedFunction } from './aes.js';
import { Constants } from './assembler.js';
import {
  authenticateFunction,
  type Callees,
  cryptFramesFunction,
  cryptFunction,
  openFunction,
  sealFunction,
} from './frames.js';
import { hashFunction, powerTablesFunction } from './ghash.js';
import { lastBytesFunction, packKeysFunction, subWordFunction } from './keys.js';
import { sm4Function, sm4KeysFunction } from './sm4.js';
import { fewBlocksFunction } from './vpaes.js';
import { encodeModule, type FunctionCode } from './wasm.js';

export function buildModule(relaxed: boolean): Uint8Array {
  const target = { relaxed, constants: new Constants() };
  const called = ['groups', 'fewBlocks', 'packed', 'crypt', 'cryptFrames', 'hash', 'authenticate'] as const;
  const callees = Object.fromEntries(called.map((name, index) => [name, index])) as unknown as Callees;
  const functions: FunctionCode[] = [
    groupsFunction(target),
    fewBlocksFunction(target),
    packedFunction(target),
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
  ];
  for (const [index, name] of called.entries()) {
    if (functions[index]!.name !== name) throw new Error(`${name} is not where its callers look for it`);
  }
  const data = target.constants.bytes;
  if (data.length > CONSTANTS_END) throw new Error('the constants pass the end of their place');
  return encodeModule({ functions, memoryPages: { least: LEAST_PAGES, most: MOST_PAGES }, data });
}
