/** JSON of configuration files: the same language as JSON.parse, less fields that are there twice; faults have positions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonError, parseJson } from '../../src/cli/json.js';

/** The fault of a text; undefined where it is taken. */
function faultOf(text: string): string | undefined {
  try {
    parseJson(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return error.message;
  }
}

describe('the language', () => {
  it('is that of JSON.parse, values too', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(parseJson(spaced)).toEqual(JSON.parse(spaced));
      }),
    );
  });

  it('is that of JSON.parse for texts with a change too', () => {
    const text = '{"a": [1, -2.5e+3, true, null, "\\u00e9\\n"], "b": {}, "c": []}';
    const characters = [...'{}[]",:\\.-+e01tn \n\t\u00e9\u0001', ''];
    for (let at = 0; at <= text.length; at++) {
      for (const character of characters) {
        for (const removed of [0, 1]) {
          const changed = text.slice(0, at) + character + text.slice(at + removed);
          let isJson = true;
          try {
            JSON.parse(changed);
          } catch {
            isJson = false;
          }
          expect([changed, faultOf(changed) === undefined || faultOf(changed)!.includes('twice')]).toEqual([
            changed,
            isJson,
          ]);
        }
      }
    }
  });

  it.each([
    '01',
    '1.',
    '.5',
    '+1',
    'NaN',
    'tru',
    'nul',
    "'a'",
    '"\u0001"',
    '"\\x41"',
    '// a\n{}',
    '{"a":1,}',
    '[1,]',
    '',
    '{} {}',
  ])('refuses %j', (text) => expect(faultOf(text)).toMatch(/^line \d+, column \d+: expected /));
});

describe('faults', () => {
  it.each([
    ['{"a": 1,\n "b" 2}', 'line 2, column 6: expected a colon, and found something else'],
    ['{"a": 1,\r\n\t"b": 2', 'line 2, column 8: expected a comma or }, and found the end of the file'],
    ['{"a": 1, "b": 2, "a": 3}', 'line 1, column 18: a is there twice'],
    ['{"a": 1, "\\u0061": 3}', 'line 1, column 10: a is there twice'],
    ['{"x": [{"__proto__": 1, "__proto__": 2}]}', 'line 1, column 25: a field is there twice'],
  ])('of %j are at their place', (text, message) => expect(faultOf(text)).toBe(message));

  it('show nothing that may be a key', () => {
    const key = 'c0ffee'.repeat(8);
    for (const text of [`{"encryptionKey": ${key}}`, `{"${key}": 1, "${key}": 2}`, `{"k": "${key}}`, key])
      expect(faultOf(text)).toMatch(/^(?!.*c0ffee)line/);
  });

  it('include nesting that would reach the end of the stack, and long texts are read', () => {
    expect(faultOf('['.repeat(1 << 20))).toContain('at most 32 levels');
    expect(parseJson(JSON.stringify('\n'.repeat(1 << 19)))).toHaveLength(1 << 19);
  });
});
