/** The kernels' parts on integers and alone: the S-box of FIPS 197, and the assembler. */
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Assembler } from '../../../src/engine/simd/kernel/assembler.js';
import { Constants } from '../../../src/engine/simd/kernel/constants.js';
import { SBOX_CONSTANT, subBytes } from '../../../src/engine/simd/kernel/sbox.js';
import { encodeModule, signed, unsigned } from '../../../src/engine/simd/kernel/wasm.js';

const INTEGERS = { xor: (a: number, b: number) => a ^ b, and: (a: number, b: number) => a & b };

/** Multiplication in GF(2^8), FIPS 197 section 4.2. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((b >>> bit) & 1) product ^= a;
    a = (a << 1) ^ (a & 0x80 ? 0x11b : 0);
  }
  return product & 0xff;
}

/** SubBytes by its definition: the inverse, then the affine map of FIPS 197 section 5.1.1. */
function sboxByDefinition(x: number): number {
  let inverse = 0;
  for (let candidate = 1; candidate < 256 && x !== 0; candidate++)
    if (multiply(x, candidate) === 1) inverse = candidate;
  let result = 0x63;
  for (const turn of [0, 1, 2, 3, 4]) result ^= (inverse << turn) | (inverse >>> (8 - turn));
  return result & 0xff;
}

describe('the AES S-box circuit (FIPS 197 section 5.1.1)', () => {
  it('gives every one of the 256 values', () => {
    for (let x = 0; x < 256; x++) {
      const bits = subBytes(
        INTEGERS,
        Array.from({ length: 8 }, (_, i) => (x >>> i) & 1),
      );
      const y = bits.reduce((byte, bit, i) => byte | (bit << i), 0) ^ SBOX_CONSTANT;
      expect(y, `S(${x})`).toBe(sboxByDefinition(x));
    }
  });

  it('works on 32 bytes at once', () => {
    const bytes = Array.from({ length: 32 }, (_, i) => (i * 37) & 0xff);
    const planes = Array.from({ length: 8 }, (_, bit) =>
      bytes.reduce((plane, byte, i) => plane | (((byte >>> bit) & 1) << i), 0),
    );
    const out = subBytes(INTEGERS, planes);
    bytes.forEach((byte, i) => {
      const y = out.reduce((sum, plane, bit) => sum | (((plane >>> i) & 1) << bit), 0) ^ SBOX_CONSTANT;
      expect(y).toBe(sboxByDefinition(byte));
    });
  });

  it('has 115 gates, of which 32 are and', () => {
    const count = { xor: 0, and: 0 };
    subBytes({ xor: () => ++count.xor, and: () => ++count.and }, new Array(8).fill(0));
    expect(count).toEqual({ xor: 83, and: 32 });
  });

  it('is the one that OpenSSL has', () => {
    // One round of AES on a block shows the S-box; the whole cipher is compared in gcm.test.ts.
    const aes = createCipheriv('aes-128-ecb', Buffer.alloc(16), null);
    expect(aes.update(Buffer.alloc(16)).toString('hex')).toBe('66e94bd4ef8a2c3b884cfa59ca342b2e');
    expect(sboxByDefinition(0x53)).toBe(0xed);
  });
});

describe('the encoder', () => {
  it('writes LEB128 (WebAssembly section 5.2.2)', () => {
    expect(unsigned(0)).toEqual([0]);
    expect(unsigned(127)).toEqual([0x7f]);
    expect(unsigned(624_485)).toEqual([0xe5, 0x8e, 0x26]);
    expect(signed(-123_456)).toEqual([0xc0, 0xbb, 0x78]);
    expect(signed(64)).toEqual([0xc0, 0x00]);
    expect(signed(-1)).toEqual([0x7f]);
    expect(signed(-0x80000000)).toEqual([0x80, 0x80, 0x80, 0x80, 0x78]);
  });
});

describe('the assembler', () => {
  function run(write: (f: Assembler) => void, ...args: number[]): number {
    const f = new Assembler(
      'f',
      args.map(() => 'i32' as const),
      { relaxed: false, wide: false, constants: new Constants() },
      'i32',
    );
    write(f);
    const bytes = encodeModule({ functions: [f.finish(true)], memoryPages: { least: 1, most: 1 }, data: [] });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
    return (exports['f'] as (...values: number[]) => number)(...args);
  }

  it('keeps values apart that live at the same time', () => {
    const sum = (f: Assembler) =>
      f.return((b) => {
        const values = Array.from({ length: 20 }, (_, i) => b.mul(b.get(f.params[0]!), i + 1));
        return values.reduce((total, value, i) => b.add(total, b.mul(value, values.length - i)));
      });
    let expected = 3;
    for (let i = 1; i < 20; i++) expected += 3 * (i + 1) * (20 - i);
    expect(run(sum, 3)).toBe(expected);
  });

  it('reads all variables of a block before it sets one', () => {
    const exchange = (f: Assembler) => {
      const [a, b_] = f.params as [(typeof f.params)[0], (typeof f.params)[0]];
      f.block((b) => {
        b.set(a, b.get(b_));
        b.set(b_, b.get(a));
      });
      f.return((b) => b.sub(b.get(a), b.get(b_)));
    };
    expect(run(exchange, 10, 3)).toBe(-7);
  });

  it('repeats a loop while its condition holds, and skips what is not wanted', () => {
    const count = (f: Assembler) => {
      const total = f.variable('i32');
      const left = f.params[0]!;
      f.when(
        (b) => b.get(left),
        () =>
          f.loop(
            () =>
              f.block((b) => {
                b.set(total, b.add(b.get(total), b.get(left)));
                b.set(left, b.sub(b.get(left), 1));
              }),
            (b) => b.get(left),
          ),
      );
      f.return((b) => b.get(total));
    };
    expect(run(count, 10)).toBe(55);
    expect(run(count, 0)).toBe(0);
  });
});
