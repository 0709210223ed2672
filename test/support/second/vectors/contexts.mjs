// @ts-check
/** Cases of contexts: FORMAT.md sections 1 and 2. */
import { drawKid } from './bytes.mjs';
import { bothWays, opening, sealedOf } from './record.mjs';
import { GCM2, gcm2, inputOf, LAYOUTS, RTP } from './setups.mjs';

export function contexts() {
  const names = [
    'a',
    'room 7/audio/a>b',
    ' ',
    'r'.repeat(255),
    '\u00e9',
    'e\u0301',
    '\u{1f3e0}'.repeat(63),
    'Room 7',
    'room 7',
  ];
  names.forEach((context, i) => {
    const setup = gcm2(GCM2[i % 2], LAYOUTS[i % 3], { context });
    const frame = { kid: drawKid(0, 'contexts'), ctr: BigInt(i), input: inputOf(setup, 20) };
    bothWays(setup, `a context of ${Buffer.byteLength(context)} bytes`, frame);
  });

  // Sealed in one context, opened in another.
  /** @type {[string, string | undefined, string | undefined][]} */
  const pairs = [
    ['a packet that was reflected', 'room 7/audio/a>b', 'room 7/audio/b>a'],
    ['a packet of another room', 'room 7', 'room 8'],
    ['a context where none is', 'room 7', undefined],
    ['no context where one is', undefined, 'room 7'],
    ['a context that is longer by a space', 'room 7 ', 'room 7'],
    ['a context in other case', 'Room 7', 'room 7'],
    ['the same letter, composed and decomposed', '\u00e9', 'e\u0301'],
  ];
  pairs.forEach(([what, theirs, ours], i) => {
    /** @param {string | undefined} context */
    const setupOf = (context) => gcm2(GCM2[i % 2], RTP, context === undefined ? {} : { context });
    const sealed = sealedOf(setupOf(theirs), drawKid(0, 'contexts'), 9n, inputOf(setupOf(theirs), 20));
    opening(setupOf(ours), what, sealed, 'BAD_TAG');
  });
}
