/**
 * Known answers before sockets open, from the engine that is used and from the portable one: test case 4 of the GCM
 * specification (McGrew and Viega, appendix B), and example 1 of GB/T 32907-2016, appendix A. A machine or a compiler that
 * computes wrongly must not seal.
 */
import { AesGcm, Sm4Ecb } from 'frameseal/aead';
import { CliError } from '../terminal.js';

const GCM = {
  key: 'feffe9928665731c6d6a8f9467308308',
  nonce: 'cafebabefacedbaddecaf888',
  aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
  plaintext:
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  sealed:
    '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47',
};

const SM4 = {
  key: '0123456789abcdeffedcba9876543210',
  plaintext: '0123456789abcdeffedcba9876543210',
  ciphertext: '681edf34d206965e86b3e94f536e4246',
};

/** Throws CliError with what was computed where. `form`: of the engine that is used. */
export function selfTest(form: string): void {
  const engines = form === 'portable' ? (['portable'] as const) : (['auto', 'portable'] as const);
  for (const engine of engines) {
    const name = engine === 'auto' ? `SIMD engine (${form})` : 'portable engine';
    expect(name, 'AES-GCM', gcmAnswer(engine), GCM.sealed);
    expect(name, 'SM4', sm4Answer(engine), SM4.ciphertext);
  }
}

function expect(engine: string, cipher: string, answer: string, right: string): void {
  if (answer === right) return;
  throw new CliError(
    `the self-test failed: the ${engine} computes ${cipher} wrongly on this machine, ${answer.slice(0, 32)}... for ${right.slice(0, 32)}...; nothing is sealed or opened with it; try another version of Node, and report it`,
    1,
  );
}

function gcmAnswer(engine: 'auto' | 'portable'): string {
  const cipher = new AesGcm(bytes(GCM.key), { engine });
  const [nonce, aad, plaintext] = [bytes(GCM.nonce), bytes(GCM.aad), bytes(GCM.plaintext)];
  const out = new Uint8Array(plaintext.length + cipher.tagBytes);
  cipher.seal(nonce, aad, plaintext, out);
  const back = new Uint8Array(plaintext.length);
  const opened = cipher.open(nonce, aad, bytes(GCM.sealed), back);
  cipher.destroy();
  const isRight = opened === plaintext.length && hex(back) === GCM.plaintext;
  return isRight ? hex(out) : `${hex(back)} when opened`;
}

function sm4Answer(engine: 'auto' | 'portable'): string {
  const cipher = new Sm4Ecb(bytes(SM4.key), { engine });
  const out = new Uint8Array(16);
  cipher.encryptBlocks(bytes(SM4.plaintext), out);
  cipher.destroy();
  return hex(out);
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}

function hex(of: Uint8Array): string {
  return Buffer.from(of).toString('hex');
}
