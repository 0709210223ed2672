/** The functions of the ciphers alone, as data for evil-run.ts: see evil-channel.ts. */
import { createCipheriv } from 'node:crypto';
import { AesGcm, BAD_TAG, Sm4Ecb } from '../../src/aead.js';
import { concat } from './arrays.js';
import { bytes } from './channel.js';
import type { EngineName } from './engines.js';
import type { Call, Round, Subject } from './evil-rules.js';

export function refused(got: Uint8Array | number, ...statuses: number[]): undefined {
  if (typeof got === 'number' && statuses.includes(got)) return undefined;
  throw new Error(typeof got === 'number' ? `gives status ${got}` : 'gives bytes for what is no frame');
}

export function isBytes(got: Uint8Array | number, expected: Uint8Array): undefined {
  if (typeof got === 'number') throw new Error(`gives status ${got}`);
  if (Buffer.compare(got, expected) !== 0) throw new Error('gives other bytes than the reference');
}

export const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export function sm4(key: Uint8Array, text: Uint8Array, padding = true): Uint8Array {
  const cipher = createCipheriv('sm4-ecb', key, null).setAutoPadding(padding);
  return concat(cipher.update(text), cipher.final());
}

function gcmSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): Uint8Array {
  const name = key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
  const cipher = createCipheriv(name, key, nonce).setAAD(aad);
  return concat(cipher.update(text), cipher.final(), cipher.getAuthTag());
}

/** AesGcm and Sm4Ecb, one of each. */
export function aeadSubject(engine: EngineName, seed: number): Subject {
  const key = bytes(32, 400 + seed);
  const sm4Key = bytes(16, 500 + seed);
  const aes = new AesGcm(key, { engine });
  const blocks = new Sm4Ecb(sm4Key, { engine });
  const [nonce, aad, text] = [bytes(12, 1), bytes(21, 2), bytes(64, 3)];
  const sealed = gcmSeal(key, nonce, aad, text);
  const empty = new Uint8Array(0);
  const ciphers = (name: 'encryptBlocks' | 'decryptBlocks' | 'encrypt' | 'decrypt'): Call => {
    const padding = !name.endsWith('Blocks');
    const decrypts = name.startsWith('decrypt');
    const src = decrypts ? sm4(sm4Key, text, padding) : text;
    const verify: Round['verify'] = (_, [given], got) => {
      if (!decrypts) return isBytes(got, sm4(sm4Key, given!, padding));
      if (given!.length === 0) return padding ? refused(got, BAD_TAG) : isBytes(got, empty);
      return same(given!, src) ? isBytes(got, text) : refused(got, BAD_TAG);
    };
    const invoke: Round['invoke'] = ([from], [to]) => blocks[name](from!, to!);
    const room = name === 'encrypt' ? 80 : src.length;
    return {
      name,
      inputs: ['src'],
      out: 'dst',
      ordinary: padding,
      begin: () => ({ inputs: [src], rooms: [room], invoke, verify }),
    };
  };
  const made = (
    name: string,
    given: Uint8Array,
    use: (key: Uint8Array) => Uint8Array,
    verify: (key: Uint8Array) => Uint8Array,
  ): Call => ({
    name,
    inputs: ['key'],
    begin: () => ({
      inputs: [given],
      rooms: [],
      invoke: ([array]) => use(array!),
      verify: (_, [content], got) => isBytes(got, verify(content!)),
    }),
  });
  const arrays = (last: string) => ({ inputs: ['nonce', 'aad', last], out: 'out', ordinary: true });
  return {
    secrets: [key, sm4Key],
    close: () => {
      aes.destroy();
      blocks.destroy();
    },
    rotate: () => {},
    calls: [
      {
        name: 'AesGcm.seal',
        ...arrays('plaintext'),
        begin: () => ({
          inputs: [nonce, aad, text],
          rooms: [text.length + 16],
          invoke: ([n, a, t], [out]) => aes.seal(n!, a!, t!, out!),
          verify: (_, [n, a, t], got) => isBytes(got, gcmSeal(key, n!, a!, t!)),
        }),
      },
      {
        name: 'AesGcm.open',
        ...arrays('sealed'),
        begin: () => ({
          inputs: [nonce, aad, sealed],
          rooms: [text.length],
          invoke: ([n, a, s], [out]) => aes.open(n!, a!, s!, out!),
          verify: (_, [n, a, s], got) =>
            same(concat(n!, a!, s!), concat(nonce, aad, sealed)) ? isBytes(got, text) : refused(got, BAD_TAG),
        }),
      },
      ciphers('encryptBlocks'),
      ciphers('decryptBlocks'),
      ciphers('encrypt'),
      ciphers('decrypt'),
      made(
        'new AesGcm',
        bytes(16, 8),
        (k) => {
          const out = new Uint8Array(80);
          new AesGcm(k, { engine }).seal(nonce, aad, text, out);
          return out;
        },
        (k) => gcmSeal(k, nonce, aad, text),
      ),
      made(
        'new Sm4Ecb',
        bytes(16, 9),
        (k) => {
          const out = new Uint8Array(64);
          new Sm4Ecb(k, { engine }).encryptBlocks(text, out);
          return out;
        },
        (k) => sm4(k, text, false),
      ),
    ],
  };
}
