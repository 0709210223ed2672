/** Keysets at rest: which identities decrypt them, and the error for any other identity. */
import { describe, expect, test } from 'vitest';
import { decryptWith, encryptTo, NotDecrypted, newIdentity, readIdentity } from '../../../src/cli/fleet/age.js';

async function newPair() {
  return readIdentity((await newIdentity()).text);
}

describe('age', () => {
  test('decrypts for every recipient and for no other identity', async () => {
    const [a, b, other] = await Promise.all([newPair(), newPair(), newPair()]);
    const value = await encryptTo([a.recipient, b.recipient, a.recipient], 'a keyset');
    expect(await decryptWith(a.key, value)).toBe('a keyset');
    expect(await decryptWith(b.key, value)).toBe('a keyset');
    await expect(decryptWith(other.key, value)).rejects.toThrow(/encrypted to others/);
  });

  test('a value that was changed, cut or is none at all is not read', async () => {
    const { key, recipient } = await newPair();
    const value = await encryptTo([recipient], 'a keyset');
    for (const broken of [
      value.map((byte, i) => (i === value.length - 1 ? byte ^ 1 : byte)),
      value.slice(0, -1),
      new Uint8Array(0),
      Buffer.from('{"version":1}'),
    ])
      await expect(decryptWith(key, broken)).rejects.toThrow(NotDecrypted);
  });

  test('identity files are read as age-keygen writes them, and the key is not read out again', async () => {
    for (let i = 0; i < 20; i++) {
      const { text, recipient } = await newIdentity();
      const identity = text.split('\n')[1]!;
      const pair = await readIdentity(`# created: now\r\n\r\n${identity}\r\n`);
      expect(pair.recipient).toBe(recipient);
      expect(await decryptWith(pair.key, await encryptTo([recipient], 'a keyset'))).toBe('a keyset');
      expect(pair.key.extractable).toBe(false);
    }
  });

  test('what is no identity is refused, and not shown', async () => {
    const { text, recipient } = await newIdentity();
    const identity = text.split('\n')[1]!;
    const swapped = identity.slice(0, -1) + (identity.endsWith('Q') ? 'P' : 'Q');
    for (const wrong of [
      '',
      recipient,
      `${identity}\n${identity}`,
      identity.slice(0, -1),
      swapped,
      identity.toLowerCase(),
    ]) {
      const error = await readIdentity(wrong).catch((thrown) => thrown);
      expect(String(error)).toMatch(/expected one line|is damaged/);
      expect(String(error)).not.toContain(identity.slice(20, 40));
    }
  });

  test('a text that is no recipient is refused', async () => {
    await expect(encryptTo(['age1'], 'x')).rejects.toThrow(TypeError);
  });
});
