/** The timers of a rotation keep no process alive (FORMAT.md section 6): a process on the build ends while two of them wait. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const built = new URL('../../dist/index.js', import.meta.url);

test('timers keep no process alive', () => {
  const script = `
    import { enableEncryption, generateKey, generateSalt } from ${JSON.stringify(built.href)};
    const settings = (keyId) => ({
      encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt(), keyId,
    });
    const channel = enableEncryption(settings(0));
    channel.createSealer();
    channel.createOpener();
    channel.rotate(settings(1), { sealAfterMs: 60_000 });
    channel.rotate(settings(2), { sealAfterMs: 60_000 });
    console.log('done');`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 20_000,
    encoding: 'utf8',
  });
  expect(child).toMatchObject({ status: 0, signal: null, stdout: 'done\n' });
});
