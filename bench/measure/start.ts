/** Time from the start of a program to its first frame: import, key, frame; without Node's own start. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Task } from '../peers/peer.js';
import type { Measured } from './request.js';

/** Whole programs: given key, nonce, aad and text, the last line leaves `sealed`. */
const PROGRAMS: Readonly<Record<string, string>> = {
  frameseal: aead(''),
  'frameseal portable': aead(", { engine: 'portable' }"),
  'frameseal, with warmUp': `(await import('frameseal')).warmUp(); ${aead('')}`,
  'node:crypto': `const { createCipheriv, createSecretKey } = await import('node:crypto');
    const cipher = createCipheriv('aes-128-gcm', createSecretKey(key), nonce).setAAD(aad);
    const sealed = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);`,
  WebCrypto: `const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
    const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: aad };
    const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, text));`,
  '@noble/ciphers': `const { gcm } = await import('@noble/ciphers/aes.js');
    const sealed = gcm(key, nonce, aad).encrypt(text);`,
  '@stablelib/gcm': `const { GCM } = await import('@stablelib/gcm');
    const { AES } = await import('@stablelib/aes');
    const sealed = new GCM(new AES(key)).seal(nonce, text, aad);`,
};

/** Folder of the programs: their imports are resolved from here. */
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const NOT_FOUND = /ERR_MODULE_NOT_FOUND/;

/** Milliseconds; each in a process of its own, in turns. Throws where one gives other bytes. */
export async function measureStart({ key, frame }: Task & { kind: 'frame' }, rounds: number): Promise<Measured[]> {
  const measured = Object.keys(PROGRAMS).map((contestant) => ({ contestant, values: [] as number[] }));
  const input = [key, frame.nonce, frame.aad, frame.plaintext].map(hex).join(' ');
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, values } of measured) {
      const found = await run(PROGRAMS[contestant]!, input);
      if (found === undefined) continue;
      if (found.sealed !== hex(frame.sealed)) throw new Error(`${contestant} gives other bytes: nothing was measured`);
      values.push(found.ms);
    }
  }
  return measured.filter(({ values }) => values.length > 0);
}

/** Undefined where the program's package is not installed. */
async function run(program: string, input: string): Promise<{ ms: number; sealed: string } | undefined> {
  const code = `const [key, nonce, aad, text] = process.argv[1].split(' ').map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));
    const fromMs = performance.now();
    ${program}
    const ms = performance.now() - fromMs;
    console.log(JSON.stringify({ ms, sealed: Buffer.from(sealed).toString('hex') }));`;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, input], {
      cwd: PACKAGE,
    });
    return JSON.parse(stdout);
  } catch (error) {
    if (NOT_FOUND.test((error as { stderr?: string }).stderr ?? '')) return undefined;
    throw error;
  }
}

function aead(options: string): string {
  return `const { AesGcm } = await import('frameseal/aead');
    const sealed = new Uint8Array(text.length + 16);
    new AesGcm(key${options}).seal(nonce, aad, text, sealed);`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
