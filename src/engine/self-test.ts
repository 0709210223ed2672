/**
 * Known answers that an engine must give before anybody uses it: test case 4 of the GCM specification (McGrew and Viega,
 * appendix B: AES-128, 20 bytes of AAD, 60 bytes of text) with its E(K, Y0), and example 1 of GB/T 32907-2016, appendix A. An engine that
 * computes something else (a broken build, compiler or processor) must not run, and nothing takes its place in silence.
 */
import { fromHex, toHex } from '../bytes.js';
import { type Engine, EngineError, FrameJob, TAG_BYTES } from './engine.js';

const GCM = {
  key: 'feffe9928665731c6d6a8f9467308308',
  nonce: 'cafebabefacedbaddecaf888',
  aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
  plaintext:
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  firstBlock: 'cafebabefacedbaddecaf88800000001',
  firstBlockEncrypted: '3247184b3c4f69a44dbcd22887bbb418',
  sealed:
    '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47',
};

const SM4 = {
  key: '0123456789abcdeffedcba9876543210',
  plaintext: '0123456789abcdeffedcba9876543210',
  ciphertext: '681edf34d206965e86b3e94f536e4246',
};

/** Throws EngineError where the engine's answers are wrong; takes well under 1 ms once its code is compiled. */
export function selfTest(engine: Engine): void {
  const wrong = [...gcmFaults(engine), ...sm4Faults(engine)];
  if (wrong.length === 0) return;
  throw new EngineError(
    `the self-test of the ${engine.name} engine failed: ${wrong.join(', ')}; do not use it on this machine, and report it`,
  );
}

function gcmFaults(engine: Engine): string[] {
  const faults: string[] = [];
  const sealed = fromHex(GCM.sealed);
  const text = fromHex(GCM.plaintext);
  const key = engine.createGcmKey(16);
  try {
    key.setKey(fromHex(GCM.key));
    const job = new FrameJob();
    job.nonce = fromHex(GCM.nonce);
    job.aad = fromHex(GCM.aad);
    job.aadLength = job.aad.length;
    job.length = text.length;
    job.input = text;
    job.output = new Uint8Array(text.length + TAG_BYTES);
    key.seal(job);
    if (toHex(job.output) !== GCM.sealed) faults.push('AES-GCM seals wrongly');
    job.input = sealed;
    job.output = new Uint8Array(text.length);
    if (!key.open(job) || toHex(job.output) !== GCM.plaintext) faults.push('AES-GCM opens wrongly');
    sealed[sealed.length - 1]! ^= 1;
    if (key.open(job)) faults.push('AES-GCM takes a wrong tag');
    const block = fromHex(GCM.firstBlock);
    key.encryptBlock(block, block);
    if (toHex(block) !== GCM.firstBlockEncrypted) faults.push('AES encrypts a block wrongly');
  } finally {
    key.wipe();
  }
  return faults;
}

function sm4Faults(engine: Engine): string[] {
  const key = engine.createSm4Key();
  try {
    key.setKey(fromHex(SM4.key));
    const job = new FrameJob();
    job.input = fromHex(SM4.plaintext);
    job.length = job.input.length;
    job.output = new Uint8Array(job.length);
    key.encryptBlocks(job);
    const sealed = toHex(job.output);
    job.input = fromHex(SM4.ciphertext);
    key.decryptBlocks(job);
    return sealed === SM4.ciphertext && toHex(job.output) === SM4.plaintext ? [] : ['SM4 encrypts or decrypts wrongly'];
  } finally {
    key.wipe();
  }
}
