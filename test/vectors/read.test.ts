/** `readVectors`: the cases of a file, for another implementation; and the keys in cases, which `verifyVectors` checks. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ChannelCase, readVectors, VectorFormatError, verifyVectors } from '../../src/vectors/verify.js';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8');
const file = (test: object) => JSON.stringify({ format: 'frameseal-vectors/1', title: 'one case', cases: [test] });

describe('readVectors', () => {
  it.each(['channel.json', 'rfc9605.json', 'rfc5869.json', 'fips197.json'])(
    'gives every case of %s that is in scope',
    (name) => {
      const { cases, outOfScope, format } = readVectors(fixture(name));
      const { agreed, ...report } = verifyVectors(fixture(name));
      expect({ agreed: cases.length, outOfScope, format }).toEqual({
        agreed,
        outOfScope: report.outOfScope,
        format: report.format,
      });
    },
  );

  it.each(['', '{}', '[]', 'null', '{"format":"frameseal-vectors/1"}'])(
    'refuses what is no file of vectors: %s',
    (text) => {
      expect(() => readVectors(text)).toThrow(VectorFormatError);
    },
  );

  it('refuses what is no text', () => {
    expect(() => readVectors(5 as unknown as string)).toThrow(TypeError);
  });
});

describe('the keys of a case', () => {
  const cases = readVectors(fixture('channel.json')).cases as readonly ChannelCase[];
  const wrong = (hex: string) => (hex.startsWith('0') ? '1' : '0') + hex.slice(1);

  it.each(['frameKey', 'frameSalt', 'key16'] as const)('%s is compared', (name) => {
    const test = cases.find((each) => each[name] !== undefined)!;
    expect(verifyVectors(file(test)).disagreements).toEqual([]);
    const { disagreements } = verifyVectors(file({ ...test, [name]: wrong(test[name]!) }));
    expect(disagreements).toMatchObject([{ what: name, expected: wrong(test[name]!), got: test[name] }]);
  });
});
