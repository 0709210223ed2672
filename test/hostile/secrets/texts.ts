/** Finds bytes in texts, in the ways in which texts show bytes. */

/** A run of this many equal bytes is no accident. */
const PIECE_BYTES = 8;

/** What of a text could be bytes, with all that may stand between them taken out. */
interface Views {
  readonly hex: string;
  readonly decimal: string;
  readonly base64: string;
}

function viewsOf(text: string): Views {
  return {
    hex: text.toLowerCase().replace(/[^0-9a-f]/g, ''),
    // JSON.stringify shows a Uint8Array as an object: {"0":1,"1":2}.
    decimal: `,${text
      .replace(/"\d+":/g, '')
      .replace(/[\s,]+/g, ',')
      .replace(/[^\d,]/g, '')},`,
    base64: text.replace(/[-_]/g, (letter) => (letter === '-' ? '+' : '/')),
  };
}

/** Which pieces of the secrets a text shows: `hex 4` is the piece at byte 4, in hex. */
export function shownIn(text: string, secrets: readonly Uint8Array[]): string[] {
  const views = viewsOf(text);
  const found: string[] = [];
  for (const secret of secrets) {
    for (let at = 0; at + PIECE_BYTES <= secret.length; at++) {
      const piece = secret.subarray(at, at + PIECE_BYTES);
      if (views.hex.includes(Buffer.from(piece).toString('hex'))) found.push(`hex ${at}`);
      if (views.decimal.includes(`,${piece.join(',')},`)) found.push(`decimal ${at}`);
      if (base64Forms(piece).some((form) => views.base64.includes(form))) found.push(`Base64 ${at}`);
    }
  }
  return found;
}

/** What Base64 of any longer array shows of a piece alone: three forms, by where in a group of three bytes it begins. */
function base64Forms(piece: Uint8Array): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), piece])
      .toString('base64')
      .replaceAll('=', '');
    const bits = 8 * (before + piece.length);
    return text.slice(Math.ceil((8 * before) / 6), Math.floor(bits / 6));
  });
}
