/** The forms of the module: what is loaded is what the builder makes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edited, relaxed } from '../../../src/engine/simd/edits.js';
import { editsBetween } from '../../../src/engine/simd/kernel/diff.js';
import { encoded } from '../../../src/engine/simd/kernel/encode.js';
import { buildModule } from '../../../src/engine/simd/kernel/module.js';
import { decoded } from '../../../src/engine/simd/text.js';
import { FORM_NAMES, FORMS } from '../../support/simd-forms.js';

describe('the module', () => {
  it.each(FORM_NAMES)('%s, as it was built', (form) => {
    expect(Buffer.compare(FORMS[form](), buildModule(form))).toBe(0);
  });

  it('differs in look-ups everywhere, and else in few bytes', () => {
    const edits = editsBetween(relaxed(buildModule('plain') as Uint8Array<ArrayBuffer>), buildModule('relaxed'));
    expect(edits.length).toBeLessThan(30);
    expect(edits.reduce((sum, [, , insert]) => sum + insert.length, 0)).toBeLessThan(3000);
  });
});

describe('edits', () => {
  const bytes = fc.uint8Array({ maxLength: 200, max: 3 });
  it('turn any bytes into any others', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, (start, from, to, end) => {
        const [before, after] = [from, to].map((middle) => Uint8Array.from([...start, ...middle, ...end]));
        expect([...edited(before!, editsBetween(before!, after!))]).toEqual([...after!]);
      }),
    );
  });
});

describe('the text of a module', () => {
  it('gives any bytes back', () => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect([...decoded(encoded(every))]).toEqual([...every]);
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void expect([...decoded(encoded(bytes))]).toEqual([...bytes])));
  });

  it('needs no escape in a string', () => {
    const text = encoded(buildModule('relaxed'));
    expect(JSON.stringify(text)).toHaveLength(text.length + 2);
  });
});
