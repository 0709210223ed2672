/** AES of one block by a key slot, against FIPS 197 and node:crypto, in both engines. */
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes.js';
import { FrameJob } from '../../src/engine/engine.js';
import { pickEngine } from '../../src/engine/pick.js';
import { SimdGcmKey } from '../../src/engine/simd/gcm.js';
import { CONSTANTS_END, SLOTS } from '../../src/engine/simd/layout.js';
import { SimdMemory } from '../../src/engine/simd/memory.js';
import { compileModule } from '../../src/engine/simd/simd.js';
import { Guarded } from '../support/arrays.js';
import { ENGINES, sample } from '../support/engines.js';
import { type AesBlockCase, loadFixture, toHex } from '../support/fixtures.js';
import { message } from './messages.js';

function expected(key: Uint8Array, block: Uint8Array): string {
  const cipher = createCipheriv(`aes-${8 * key.length}-ecb`, key, null).setAutoPadding(false);
  return cipher.update(block).toString('hex');
}

describe.each(ENGINES)('%s engine', (engine) => {
  it.each(loadFixture('fips197.json').cases as AesBlockCase[])('FIPS 197, $id', ({ key, plaintext, ciphertext }) => {
    const bytes = fromHex(key);
    const slot = pickEngine(engine).createGcmKey(bytes.length as 16 | 32);
    slot.setKey(bytes);
    const output = new Guarded(16, 3);
    slot.encryptBlock(fromHex(plaintext), output.bytes);
    expect(output.holds(fromHex(ciphertext))).toBe(true);
  });

  describe.each([16, 32] as const)('a key of %i bytes', (keyBytes) => {
    it('encrypts any block, also in place, and frames before and after it', () => {
      const slot = pickEngine(engine).createGcmKey(keyBytes);
      const job = new FrameJob();
      for (let i = 0; i < 100; i++) {
        const { key, nonce, aad, plaintext, sealed } = message(keyBytes, 40, 20, `block ${i}`);
        slot.setKey(key);
        // Counters of every size, signed words included.
        const block = new Uint8Array(sample(`block ${keyBytes} ${i}`, 16));
        if (i % 4 === 0) block.fill(i % 8 === 0 ? 0 : 0xff, 12);
        const inPlace = block.slice();
        slot.encryptBlock(inPlace, inPlace);
        expect(toHex(inPlace)).toBe(expected(key, block));
        Object.assign(job, { aad, aadLength: 20, input: plaintext, length: 40, output: new Uint8Array(56) });
        job.nonce = nonce;
        slot.seal(job);
        expect(toHex(job.output)).toBe(toHex(sealed));
        slot.encryptBlock(block, inPlace);
        expect(toHex(inPlace)).toBe(expected(key, block));
      }
    });

    it('throws without a key, and leaves the output as it is', () => {
      const slot = pickEngine(engine).createGcmKey(keyBytes);
      const output = new Uint8Array(16).fill(7);
      expect(() => slot.encryptBlock(new Uint8Array(16), output)).toThrow('this key was never set, or it was wiped');
      slot.setKey(sample('key', keyBytes));
      slot.wipe();
      expect(() => slot.encryptBlock(new Uint8Array(16), output)).toThrow('this key was never set, or it was wiped');
      expect(output).toEqual(new Uint8Array(16).fill(7));
    });
  });
});

it('the SIMD engine keeps nothing of the block outside the slot', () => {
  const memory = new SimdMemory(compileModule('plain'));
  const slot = new SimdGcmKey(memory, 16, { register() {}, unregister() {} });
  slot.setKey(sample('key', 16));
  const output = new Uint8Array(16);
  slot.encryptBlock(sample('block', 16), output);
  const scratch = Buffer.from(memory.heap.subarray(CONSTANTS_END, SLOTS));
  for (let at = 0; at + 8 <= 16; at++) expect(scratch.includes(Buffer.from(output.subarray(at, at + 8)))).toBe(false);
});
