/** What every call checks of its arguments. */
import { describe, expect, it, vi } from 'vitest';
import { mistyped } from './support/engines.js';

let copyFault: Error | undefined;
vi.mock('../src/bytes.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../src/bytes.js')>();
  const copyInto: typeof real.copyInto = (target, source, at) => {
    if (copyFault) throw copyFault;
    real.copyInto(target, source, at);
  };
  return { ...real, copyInto };
});
const { checkBytes, checkClear, checkLength, checkNames, checkOverlap, own } = await import('../src/checks.js');

describe('checkBytes', () => {
  it('gives the real length, not the one that an array shows', () => {
    const array = Object.defineProperty(new Uint8Array(5), 'length', { value: 7 });
    expect(checkBytes('input', array)).toBe(5);
    expect(checkBytes('input', new Uint8Array(0))).toBe(0);
  });

  it('throws for an array whose memory is gone', () => {
    const array = new Uint8Array(5);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    expect(() => checkBytes('input', array)).toThrow(TypeError);
    expect(() => checkBytes('input', array)).toThrow(/has no memory/);
  });

  it('lets any other exception through: it says nothing of the array', () => {
    copyFault = new RangeError('Maximum call stack size exceeded');
    try {
      expect(() => checkBytes('input', new Uint8Array(0))).toThrow(copyFault);
    } finally {
      copyFault = undefined;
    }
  });
});

describe('checkLength', () => {
  it.each([-1, 6, 1.5, Number.NaN, 2 ** 32, mistyped<number>('3')])('refuses %s of 5', (length) => {
    expect(() => checkLength(length, 5)).toThrow(RangeError);
  });

  it.each([0, 5])('takes %i of 5', (length) => checkLength(length, 5));
});

describe('checkClear', () => {
  it.each([
    -1,
    -0.5,
    0.5,
    2 ** 31 + 0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    mistyped<number>('3'),
    mistyped<number>(3n),
  ])('refuses %s', (clear) => {
    expect(() => checkClear(clear)).toThrow(RangeError);
  });

  it.each([0, -0, 5, 2 ** 31, 2 ** 40, Number.MAX_VALUE])('takes %i', (clear) => checkClear(clear));
});

describe('checkOverlap', () => {
  const memory = new Uint8Array(100);

  it('of ten bytes and of five: exact, or none', () => {
    const input = memory.subarray(50, 60);
    for (let at = 30; at < 80; at++) {
      const overlaps = at < 60 && at + 5 > 50 && at !== 50;
      const check = () => checkOverlap(input, 10, memory.subarray(at), 5);
      if (overlaps) expect(check, `${at}`).toThrow(RangeError);
      else expect(check, `${at}`).not.toThrow();
    }
  });
});

describe('options', () => {
  it('are own properties', () => {
    const options: { engine?: string } = Object.create({ engine: 'simd' });
    expect(own(options, 'engine')).toBe(undefined);
    options.engine = 'portable';
    expect(own(options, 'engine')).toBe('portable');
  });

  it('have known names', () => {
    expect(() => checkNames({ engine: 1 }, ['engine'])).not.toThrow();
    expect(() => checkNames({ engin: 1 }, ['engine'])).toThrow(TypeError);
    expect(() => checkNames(mistyped<object>(null), ['engine'])).toThrow(TypeError);
  });
});
