/**
 * The rows of `npm run ct`: their subjects and expectations. The two classes of a row are zeros and random bytes,
 * as a text or as a key; or a tag, or a padding, that is wrong in its first byte and in its last.
 */
import * as channel from './channels.js';
import * as cipher from './ciphers.js';
import { control } from './control.js';
import * as leaky from './leaky.js';
import * as srtp from './srtp.js';
import type { Subject } from './subject.js';

/** `constant`: a leak fails. `leaky`: no leak fails. `shown`: no promise. */
export type Expectation = 'constant' | 'leaky' | 'shown';

export interface Row {
  readonly name: string;
  readonly expectation: Expectation;
  readonly make: () => Subject;
}

function engineRows(engine: cipher.EngineName, expectation: Expectation): Row[] {
  const row = (name: string, make: () => Subject): Row => ({ name: `${engine} ${name}`, expectation, make });
  return [
    row('AES-128-GCM seal, text', () => cipher.sealText(engine, 16)),
    row('AES-128-GCM seal, key', () => cipher.sealKey(engine, 16)),
    row('AES-256-GCM seal, text', () => cipher.sealText(engine, 32)),
    row('AES-256-GCM seal, key', () => cipher.sealKey(engine, 32)),
    row('AES-128-GCM open, text', () => cipher.openText(engine, 16)),
    row('AES-128-GCM open, key', () => cipher.openKey(engine, 16)),
    row('AES-256-GCM open, text', () => cipher.openText(engine, 32)),
    row('AES-256-GCM open, key', () => cipher.openKey(engine, 32)),
    row('AES-128-GCM open, wrong tag', () => cipher.openForged(engine, 16)),
    row('AES-128-GCM open, wrong tag, long AAD', () => cipher.openForged(engine, 16, cipher.LONG_AAD_BYTES)),
    row('AES-128 key schedule', () => cipher.gcmKeySchedule(engine, 16)),
    row('AES-256 key schedule', () => cipher.gcmKeySchedule(engine, 32)),
    row('AES-128 block, key', () => cipher.blockKey(engine, 16)),
    row('AES-256 block, key', () => cipher.blockKey(engine, 32)),
    row('SM4 encrypt, text', () => cipher.sm4Text(engine, 'encryptBlocks')),
    row('SM4 encrypt, key', () => cipher.sm4Key(engine, 'encryptBlocks')),
    row('SM4 decrypt, text', () => cipher.sm4Text(engine, 'decryptBlocks')),
    row('SM4 decrypt, key', () => cipher.sm4Key(engine, 'decryptBlocks')),
    row('SM4 decrypt, wrong padding', () => cipher.sm4Padding(engine)),
    row('SM4 key schedule', () => cipher.sm4KeySchedule(engine)),
  ];
}

export const ROWS: readonly Row[] = [
  { name: 'leaky tag compare, wrong tag', expectation: 'leaky', make: leaky.leakyTagCompare },
  { name: 'leaky padding check, wrong padding', expectation: 'leaky', make: leaky.leakyPadding },
  { name: 'leaky seal, text', expectation: 'leaky', make: leaky.leakySeal },
  { name: 'control: XOR and rotation, text', expectation: 'shown', make: control },
  ...engineRows('simd', 'constant'),
  { name: 'simd Sealer.seal, text', expectation: 'constant', make: channel.sealerText },
  { name: 'simd Sealer.sealBatch, text', expectation: 'constant', make: channel.sealerBatch },
  { name: 'simd Opener.open, wrong tag', expectation: 'constant', make: channel.openerForged },
  { name: 'simd SrtpSender.protect, text', expectation: 'constant', make: srtp.senderText },
  { name: 'simd SrtpReceiver.unprotect, wrong tag', expectation: 'constant', make: srtp.receiverForged },
  ...engineRows('portable', 'shown'),
];
