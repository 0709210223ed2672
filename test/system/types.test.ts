/** The published types, as programs meet them that know neither the DOM nor Node, under the strictest settings. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const PROGRAM = `
import { type Channel, type ChannelOptions, enableEncryption, type Opener, type Sealer } from './dist/index.js';
import { AesGcm, Sm4Ecb } from './dist/aead.js';
import { verifyVectors } from './dist/vectors/verify.js';

const engine: 'auto' | undefined = undefined;
const options: ChannelOptions = { engine, bindHeader: undefined, framing: undefined, rtcp: undefined, maxSenders: undefined, replayWindow: undefined };
const channel: Channel = enableEncryption({ encryptionMode: 7, encryptionKey: '', encryptionKdfSalt: undefined, keyId: undefined, context: undefined }, options);
const sealer: Sealer = channel.createSealer();
const opener: Opener = channel.createOpener({ loopback: undefined });
const sealed: Uint8Array<ArrayBuffer> = sealer.sealCopy(new Uint8Array(9));
const opened: Uint8Array<ArrayBuffer> = opener.openCopy(sealed, 3);
const written: number = sealer.seal(sealed, opened, undefined, 3) + opener.open(sealed, opened, 9, 3);
channel.rotate({ encryptionMode: 7, encryptionKey: '' }, { sealAfterMs: undefined, graceMs: undefined });
export const used = [opened, written, new AesGcm(opened, { engine }), new Sm4Ecb(opened), verifyVectors('{}')];

// @ts-expect-error: channels come from enableEncryption
new (channel.constructor as typeof Channel)();
type Public<Type> = Exclude<keyof Type, symbol>;
export const names: [Public<Channel>, Public<Sealer>, Public<Opener>] = ['rotate', 'seal', 'open'];
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export const sealers: Same<Public<Sealer>, 'overhead' | 'senderId' | 'stats' | 'seal' | 'sealCopy' | 'sealBatch' | 'close'> = true;
export const openers: Same<Public<Opener>, 'lastSenderId' | 'stats' | 'open' | 'openCopy' | 'openBatch' | 'close'> = true;
export const channels: Same<Public<Channel>, 'mode' | 'keyId' | 'fingerprint' | 'engine' | 'framing' | 'bindHeader' | 'rtcp' | 'createSealer' | 'createOpener' | 'rotate' | 'holdKeys' | 'close'> = true;
`;

test('they compile with lib es2022 alone, and name nothing but the public members', async () => {
  const folder = mkdtempSync(join(ROOT, 'build-types-'));
  try {
    writeFileSync(join(folder, 'program.mts'), PROGRAM.replaceAll("'./dist/", "'../dist/"));
    const flags = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--skipLibCheck',
      'false',
      '--types',
      '',
    ];
    const settings = ['--lib', 'es2022', '--target', 'es2022', '--module', 'nodenext'];
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const run = promisify(execFile)(process.execPath, [tsc, ...flags, ...settings, join(folder, 'program.mts')], {
      cwd: ROOT,
    });
    expect(
      await run.then(
        () => '',
        ({ stdout }) => stdout,
      ),
    ).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
