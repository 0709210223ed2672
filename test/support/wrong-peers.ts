/**
 * Peers that make one mistake each: the second implementation, copied with a text or two changed, behind the same adapter. For tests
 * of `frameseal verify --peer`, which must find every mistake and distinguish it from the others.
 */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file of the second implementation, and what stands there in place of what. */
type Edit = readonly [file: string, right: string, wrong: string];

export interface Mistake {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The operations that differ, the first that does first: there the mistake is. More may differ after it. */
  readonly found: string;
}

const TEST = new URL('../', import.meta.url).pathname;
const SECOND = 'support/second';
const ADAPTER = 'interop/second.mjs';

/** What goes wrong with keys, and where keys are right. */
const KEYS = 'derive seal open';
const FRAMES = 'seal open';

function mistake(name: string, found: string, ...edits: readonly Edit[]): Mistake {
  return { name, found, edits };
}

const AAD = ['[sframeHeader, metadata]', '[metadata, sframeHeader]'] as const;
const OPENED_AAD = '[frame.subarray(0, length), metadataOf(channel, parts)]';

export const MISTAKES: readonly Mistake[] = [
  mistake('the label of the base key', KEYS, ['keys.mjs', '} base key `', '} base_key `']),
  mistake('the label of the fingerprint', 'derive', ['keys.mjs', '} fingerprint`', '} fingerprint `']),
  mistake('the label of the frame key', KEYS, ['keys.mjs', "'SFrame 1.0 Secret key '", "'SFrame 1.0 Secret key'"]),
  mistake('the label of the frame salt', KEYS, ['keys.mjs', "'SFrame 1.0 Secret salt '", "'SFrame 1.0 Secret salt'"]),
  mistake('key and salt change places', KEYS, ['keys.mjs', 'extract(hash, salt, key)', 'extract(hash, key, salt)']),
  mistake('the KID of the base key in the other byte order', KEYS, [
    'keys.mjs',
    'u64(kid), context)',
    'u64(kid).reverse(), context)',
  ]),
  mistake('no context in the keys', KEYS, ['keys.mjs', 'u64(kid), context)', 'u64(kid))']),
  mistake('no context in the fingerprint', 'derive', ['keys.mjs', '} fingerprint`, context)', '} fingerprint`)']),
  mistake('the counter of the nonce in the other byte order', FRAMES, ['keys.mjs', 'u64(ctr)]', 'u64(ctr).reverse()]']),
  mistake('the KID on the wire in the other byte order', 'seal', [
    'headers.mjs',
    ', kidBytes, ctrBytes]',
    ', kidBytes.reverse(), ctrBytes]',
  ]),
  mistake('the CTR on the wire in the other byte order', 'seal', [
    'headers.mjs',
    ', kidBytes, ctrBytes]',
    ', kidBytes, ctrBytes.reverse()]',
  ]),
  mistake('no CTR in the config byte', 'seal', ['headers.mjs', 'if (value < 8n)', 'if (value < 0n)']),
  mistake(
    'the metadata before the header',
    FRAMES,
    ['format.mjs', ...AAD],
    ['opener.mjs', OPENED_AAD, `${OPENED_AAD}.reverse()`],
  ),
  mistake('bindHeader is always true', FRAMES, [
    'format.mjs',
    'if (bindHeader) return',
    'if (bindHeader || true) return',
  ]),
  mistake('P is not bound', FRAMES, ['format.mjs', '0x01 : header[0] & 0x20', '0x01 : 0']),
  mistake('RTCP is not distinguished from RTP', FRAMES, ['format.mjs', "kind === 'rtcp' ? 0x01 : header", 'header']),
  mistake('clear bytes are not authenticated', FRAMES, [
    'format.mjs',
    'return Buffer.concat([header, clearBytes])',
    'return header',
  ]),
  mistake('no padding count', FRAMES, [
    'format.mjs',
    '? Buffer.of(0x01) : Buffer.alloc(0)',
    '? Buffer.alloc(0) : Buffer.alloc(0)',
  ]),
  mistake('a padding count after RTCP', FRAMES, ['format.mjs', "kind === 'rtp' && (header", '(header']),
  mistake('RTCP stays in the clear', FRAMES, ['headers.mjs', "if (rtcp === 'sealed')", "if (rtcp === 'unknown')"]),
  mistake('RTCP is always sealed', FRAMES, ['headers.mjs', "if (rtcp === 'sealed')", 'if (rtcp)']),
  mistake('the extension is no header', FRAMES, ['headers.mjs', '(first & 0x10) !== 0', '(first & 0x10) === 1']),
  mistake('the window is a counter too wide', 'replayed', [
    'opener.mjs',
    'sender.highest - ctr >= window',
    'sender.highest - ctr > window',
  ]),
  mistake('replay is not noticed', 'replayed', [
    'opener.mjs',
    'sender?.accepted.has(ctr)',
    'sender?.accepted.has(-1n)',
  ]),
  mistake('the tag is not checked', 'altered truncated', ['opener.mjs', 'decipher.final();', '']),
  mistake('the keyId at the other end of the KID', 'open replayed', [
    'opener.mjs',
    'kid >> 60n !==',
    '(kid & 15n) !==',
  ]),
  mistake('no PKCS#7 after whole blocks', 'seal', [
    'format.mjs',
    'const count = BLOCK_BYTES - (payload.length % BLOCK_BYTES)',
    'const count = (BLOCK_BYTES - payload.length % BLOCK_BYTES) % BLOCK_BYTES',
  ]),
  mistake('the label of the SM4 key', KEYS, [
    'keys.mjs',
    "'frameseal/1 SM4_128_ECB key'",
    "'frameseal/1 SM4_128_ECB key '",
  ]),
];

/** The command of the second implementation's adapter. */
export const SECOND_PEER = `'${process.execPath}' '${join(TEST, ADAPTER)}'`;

/** The command of a copy with a mistake. Throws where the mistake cannot be made. */
export function peerCommand(edits: readonly Edit[]): string {
  const copy = mkdtempSync(join(tmpdir(), 'frameseal-peer-'));
  for (const part of [SECOND, ADAPTER]) cpSync(join(TEST, part), join(copy, part), { recursive: true });
  for (const [file, right, wrong] of edits) {
    const path = join(copy, SECOND, file);
    const text = readFileSync(path, 'utf8');
    if (text.split(right).length !== 2) throw new Error(`${file} has not exactly one place with: ${right}`);
    writeFileSync(
      path,
      text.replace(right, () => wrong),
    );
  }
  return `'${process.execPath}' '${join(copy, ADAPTER)}'`;
}
