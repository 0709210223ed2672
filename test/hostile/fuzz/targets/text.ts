/** The hex and Base64 readers against Node's Buffer: what they take is canonical, and what they refuse they do not show. */
import type { Code } from '../code.js';
import { hexOf, must, mustEqual, sameBytes } from '../invariants.js';
import { mustNotShow, vocabulary } from '../secrets.js';
import type { Target } from './target.js';

/** What the highest bytes stand for: characters that look like others, that patterns may take for others, or are half of one. */
const STRANGE = ['\n', '\r\n', '\u0130', '\u017f', '\u212a', '\uff11', '\u0660', '\ud800', '\0', '\u2028', ' ', '='];
const FIRST_STRANGE = 256 - STRANGE.length;

/** Text of an input: Latin-1, but for the highest bytes. */
export function textOf(input: Uint8Array): string {
  let text = '';
  for (const byte of input) text += byte < FIRST_STRANGE ? String.fromCharCode(byte) : STRANGE[byte - FIRST_STRANGE];
  return text;
}

const HEX_DIGITS = '0123456789abcdefABCDEF';

export function textTarget({ bytes, folder }: Code): Target {
  const words = vocabulary(folder);

  function run(input: Uint8Array): string {
    mustEqual(bytes.toHex(input), hexOf(input), 'toHex is as Buffer has it');
    const base64 = bytes.toBase64(input);
    mustEqual(base64, Buffer.from(input).toString('base64'), 'toBase64 is as Buffer has it');
    must(sameBytes(bytes.fromHex(hexOf(input)), input), 'fromHex reads what toHex wrote', () => hexOf(input));
    must(sameBytes(bytes.fromBase64(base64)!, input), 'fromBase64 reads what toBase64 wrote', () => base64);
    const text = textOf(input);
    return `${readHex(text)}, ${readBase64(text)}`;
  }

  function readHex(text: string): string {
    const isHex = text.length % 2 === 0 && [...text].every((digit) => HEX_DIGITS.includes(digit));
    let read: Uint8Array;
    try {
      read = bytes.fromHex(text);
    } catch (error) {
      must(error instanceof RangeError && !isHex, 'fromHex refuses what is no hex with a RangeError', () =>
        String(error),
      );
      mustNotShow(error, [text], words, 'a refusal shows nothing of the text');
      return 'not hex';
    }
    must(isHex && sameBytes(read, Buffer.from(text, 'hex')), 'fromHex is as Buffer has it', () => JSON.stringify(text));
    return 'hex';
  }

  function readBase64(text: string): string {
    const buffer = Buffer.from(text, 'base64');
    const canonical = buffer.toString('base64') === text;
    const read = bytes.fromBase64(text);
    if (read === undefined) {
      must(!canonical, 'fromBase64 takes canonical Base64', () => JSON.stringify(text));
      return 'not Base64';
    }
    must(canonical && sameBytes(read, buffer), 'fromBase64 takes nothing else', () => JSON.stringify(text));
    return 'Base64';
  }

  const seeds = ['', '00', 'deadBEEF', 'AA==', 'AAA=', 'AAAA', 'Zm9vYmFy', 'AB==', 'A', '+/+/', '-_-_'];
  return { name: 'text', maxBytes: 120, seeds: seeds.map((text) => Buffer.from(text)), run };
}
