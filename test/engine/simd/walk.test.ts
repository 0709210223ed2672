/**
 * The proof by reading: in the modules as they are shipped, no address of a load or store, and no branch, depends on what
 * was loaded from memory. Keys, tables, text and tags come from memory; pointers, lengths and nonces are parameters.
 */
import { describe, expect, it } from 'vitest';
import { Assembler, type Block, type Value } from '../../../src/engine/simd/kernel/assembler.js';
import { Constants } from '../../../src/engine/simd/kernel/constants.js';
import { buildProbe } from '../../../src/engine/simd/kernel/probe.js';
import { encodeModule } from '../../../src/engine/simd/kernel/wasm.js';
import { FORM_NAMES, FORMS } from '../../support/simd-forms.js';
import { readModule } from './reader.js';

/** The word of the key that SubWord gets. */
const SECRET_PARAMETERS = ['subWord:0'];

describe.each(FORM_NAMES)('the %s module', (form) => {
  const bytes = FORMS[form]();
  const reading = readModule(bytes, SECRET_PARAMETERS);

  it('is read whole', () => {
    expect(reading.functions.toSorted()).toEqual(
      [
        // Those without a name are not exported.
        ...[0, 1, 2, 4, 6].map((index) => `function ${index}`),
        ...[
          'crypt',
          'hash',
          'seal',
          'open',
          'subWord',
          'packKeys',
          'lastBytes',
          'powerTables',
          'sm4',
          'sm4Keys',
          'prefetch',
        ],
        ...(form === 'wide' ? ['function 16', 'function 17', 'packPairs'] : []),
      ].toSorted(),
    );
    expect(reading.accesses).toBeGreaterThan(150);
    expect(reading.branches).toBeGreaterThan(10);
  });

  it('has no address and no branch that depends on loaded data', () => {
    expect(reading.findings).toEqual([]);
  });

  it('is smaller than 80 KB', () => {
    expect(bytes.length).toBeLessThan(80_000);
  });
});

it('the probe of pairs has none either', () => {
  expect(readModule(buildProbe(), []).findings).toEqual([]);
});

describe('the reader', () => {
  function moduleOf(write: (f: Assembler) => void): Uint8Array {
    const f = new Assembler('kernel', ['i32'], { relaxed: false, wide: false, constants: new Constants() });
    write(f);
    return encodeModule({ functions: [f.finish(true)], memoryPages: { least: 1, most: 1 }, data: [] });
  }
  const kinds = (bytes: Uint8Array) => readModule(bytes, []).findings.map(({ what }) => what);
  /** A number that comes from memory. */
  const loaded = (b: Block): Value => b.anyTrue(b.load(b.int(0)));

  it('finds an address that comes from memory', () => {
    expect(kinds(moduleOf((f) => f.block((b) => b.store(b.add(loaded(b), 16), b.zero()))))).toEqual(['address']);
    expect(kinds(moduleOf((f) => f.block((b) => b.store(b.int(0), b.load(loaded(b))))))).toEqual(['address']);
  });

  it('finds an address that is read twice', () => {
    const twice = (b: Block, value: Value): Value => b.add(value, value);
    expect(kinds(moduleOf((f) => f.block((b) => b.store(twice(b, loaded(b)), b.zero()))))).toEqual(['address']);
    expect(kinds(moduleOf((f) => f.block((b) => b.store(twice(b, b.loadInt(b.int(0))), b.zero()))))).toEqual([]);
  });

  it('finds a branch on what comes from memory', () => {
    expect(kinds(moduleOf((f) => f.when(loaded, () => f.block((b) => b.store(b.int(0), b.zero())))))).toEqual([
      'branch',
    ]);
    expect(kinds(moduleOf((f) => f.loop(() => f.block(() => {}), loaded)))).toEqual(['branch']);
  });

  it('finds a word in memory that comes from a vector there', () => {
    expect(kinds(moduleOf((f) => f.block((b) => b.storeInt(b.int(0), loaded(b)))))).toEqual(['word']);
    const copied = moduleOf((f) => f.block((b) => b.store(b.loadInt(b.int(0)), b.load(b.loadInt(b.int(4))))));
    expect(kinds(copied)).toEqual([]);
  });

  it('finds it by way of a variable that is set later than it is read', () => {
    const bytes = moduleOf((f) => {
      const pointer = f.variable('i32');
      f.loop(
        () =>
          f.block((b) => {
            b.store(b.get(pointer), b.zero());
            b.set(pointer, loaded(b));
          }),
        (b) => b.get(f.params[0]!),
      );
    });
    expect(kinds(bytes)).toEqual(['address']);
  });

  it('lets parameters be addresses', () => {
    expect(kinds(moduleOf((f) => f.block((b) => b.store(b.get(f.params[0]!), b.load(b.int(0))))))).toEqual([]);
  });
});
