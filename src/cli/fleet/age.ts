/**
 * Keysets at rest: encrypted with age (age-encryption.org/v1) to the X25519 recipients of the gateways, so that neither the
 * store nor a backup holds a key. age hides what is written, and does not say who wrote it: the store's permissions do.
 *
 * The package is loaded when it is first needed.
 */
import type { webcrypto } from 'node:crypto';
import { isRecipient } from './document.js';

/** What a gateway or an operator has of its identity: a key that decrypts and cannot be read out again. */
export interface AgeKeyPair {
  readonly key: webcrypto.CryptoKey;
  /** `age1...` */
  readonly recipient: string;
}

/** The value cannot be decrypted with this identity, or is no age file. */
export class NotDecrypted extends Error {
  override readonly name = 'NotDecrypted';
  /** It is a right age file, and this identity is none of its recipients. */
  readonly isOfOthers: boolean;

  constructor(isOfOthers: boolean) {
    super(
      isOfOthers
        ? 'it is encrypted to others: this identity is not among its recipients'
        : 'it is damaged, or no age file',
    );
    this.isOfOthers = isOfOthers;
  }
}

const load = () => import('age-encryption');

/** A new identity, as the text of an identity file, and its recipient. */
export async function newIdentity(): Promise<{ readonly text: string; readonly recipient: string }> {
  const { generateX25519Identity, identityToRecipient } = await load();
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  return { text: `# public key: ${recipient}\n${identity}\n`, recipient };
}

/**
 * The identity in a file as age-keygen writes it: lines that begin with # are comments. Throws Error that says what is wrong,
 * and shows nothing of the text.
 */
export async function readIdentity(text: string): Promise<AgeKeyPair> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const [identity = ''] = lines;
  if (lines.length !== 1 || !identity.startsWith('AGE-SECRET-KEY-1'))
    throw new Error('expected one line with AGE-SECRET-KEY-1..., as frameseal fleet keygen writes it');
  const { identityToRecipient } = await load();
  try {
    // Also checks the sum at its end.
    const recipient = await identityToRecipient(identity.trim());
    return { key: await keyOf(identity.trim()), recipient };
  } catch {
    throw new Error('the line AGE-SECRET-KEY-1... is damaged: copy the file again');
  }
}

/** Encrypts a text so that each recipient alone can read it. */
export async function encryptTo(recipients: readonly string[], text: string): Promise<Uint8Array> {
  const { Encrypter } = await load();
  const encrypter = new Encrypter();
  for (const recipient of new Set(recipients)) {
    if (!isRecipient(recipient)) throw new TypeError('a recipient is age1 and 58 letters and digits');
    encrypter.addRecipient(recipient);
  }
  return encrypter.encrypt(text);
}

/** Rejects with NotDecrypted. */
export async function decryptWith(key: webcrypto.CryptoKey, value: Uint8Array): Promise<string> {
  const { Decrypter } = await load();
  const decrypter = new Decrypter();
  decrypter.addIdentity(key);
  try {
    return await decrypter.decrypt(value, 'text');
  } catch (error) {
    throw new NotDecrypted(error instanceof Error && /no identity matched/.test(error.message));
  }
}

const PREFIX = 'AGE-SECRET-KEY-1';
const SCALAR_BYTES = 32;
/** Bech32 (BIP 173): 5 bits a letter. */
const LETTERS = 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L';
/** An X25519 key in PKCS #8 (RFC 8410), without its 32 bytes. */
const PKCS8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20];

/** An identity as a key of WebCrypto: imported once, a value with many recipients takes a third of the time. */
async function keyOf(identity: string): Promise<webcrypto.CryptoKey> {
  const pkcs8 = new Uint8Array(PKCS8.length + SCALAR_BYTES);
  pkcs8.set(PKCS8);
  let [bits, count, at] = [0, 0, PKCS8.length];
  for (const letter of identity.slice(PREFIX.length)) {
    bits = ((bits << 5) | LETTERS.indexOf(letter)) & 0xfff;
    count += 5;
    if (count < 8 || at === pkcs8.length) continue;
    count -= 8;
    pkcs8[at++] = bits >>> count;
  }
  try {
    return await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']);
  } finally {
    pkcs8.fill(0);
  }
}
