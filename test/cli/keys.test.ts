/** keygen and fingerprint: files of mode 0600, exit codes, and nothing secret where it does not belong. */
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { enableEncryption } from '../../src/index.js';
import { CLI, configFile, frameseal, newConfig, temporaryFile } from '../support/cli.js';

const mode = (file: string) => statSync(file).mode & 0o777;

describe('keygen', () => {
  it.each(['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB', 'aes-128-gcm2', '4', '7', '8'])(
    'prints a right configuration for %s',
    (name) => {
      const { status, stdout } = frameseal(['keygen', '--mode', name]);
      expect(status).toBe(0);
      const config = JSON.parse(stdout);
      const channel = enableEncryption(config);
      expect(config.encryptionMode).toBe(channel.mode);
      channel.close();
    },
  );

  it('makes another key each time', () => {
    const [first, second] = [frameseal(['keygen']), frameseal(['keygen'])].map(({ stdout }) => JSON.parse(stdout));
    expect(first.encryptionKey).not.toBe(second.encryptionKey);
    expect(first.encryptionKdfSalt).not.toBe(second.encryptionKdfSalt);
  });

  it('writes a file of mode 0600, and does not touch one that is there', () => {
    const file = temporaryFile('new.json');
    const made = frameseal(['keygen', '--out', file, '--key-id', '3']);
    expect(made.status).toBe(0);
    expect(made.stdout).toBe('');
    expect(mode(file)).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    expect(JSON.parse(text).keyId).toBe(3);
    expect(made.stderr).not.toContain(JSON.parse(text).encryptionKey);
    const again = frameseal(['keygen', '--out', file]);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain('--force');
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('replaces a file with --force, and closes it to others', () => {
    const file = temporaryFile('old.json');
    writeFileSync(file, '{}');
    chmodSync(file, 0o644);
    expect(frameseal(['keygen', '--out', file, '--force']).status).toBe(0);
    expect(mode(file)).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8')).encryptionMode).toBe('AES_256_GCM2');
  });

  it('says why it cannot write', () => {
    const { status, stderr } = frameseal(['keygen', '--out', tmpdir(), '--force']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^frameseal: cannot write .*: it is a directory \(EISDIR\)\n$/);
  });

  it('leaves the old key whole where the new one cannot be written', () => {
    const file = configFile();
    const text = readFileSync(file, 'utf8');
    // No file may have a byte: the disk is full from the first one on.
    const script = `trap '' XFSZ; ulimit -f 0; exec "$0" "$@"`;
    const command = [process.execPath, CLI, 'keygen', '--out', file, '--force'];
    const { status, stderr } = spawnSync('sh', ['-c', script, ...command], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toBe(`frameseal: cannot write ${file}: the limit for the size of a file is reached (EFBIG)\n`);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(readdirSync(dirname(file))).toEqual([basename(file)]);
  });

  it.each([['--mode', 'AES_128_GCM'], ['--mode', 'rot13'], ['--key-id', '16'], ['--nonsense']])(
    'refuses %s %s with exit code 2',
    (...args) => {
      expect(frameseal(['keygen', ...args]).status).toBe(2);
    },
  );
});

describe('fingerprint', () => {
  const config = newConfig();
  const file = configFile(config);
  const channel = enableEncryption(config);
  const { fingerprint } = channel;
  channel.close();

  it('is that of the channel, with what must agree beside it', () => {
    const { status, stdout, stderr } = frameseal(['fingerprint', '--config', file]);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${fingerprint}  AES_128_GCM2  keyId 0`));
    expect(stdout).toContain('bindHeader');
    expect(stderr).toBe('');
  });

  it('comes as JSON, and from the file that FRAMESEAL_CONFIG names', () => {
    const { stdout } = frameseal(['fingerprint', '--json'], { FRAMESEAL_CONFIG: file });
    expect(JSON.parse(stdout)).toEqual({ fingerprint, mode: 'AES_128_GCM2', keyId: 0 });
  });

  it('has no keyId in SM4 mode', () => {
    const sm4 = configFile({ encryptionMode: 'SM4_128_ECB', encryptionKey: config.encryptionKey });
    expect(JSON.parse(frameseal(['fingerprint', '--json', '--config', sm4]).stdout)).not.toHaveProperty('keyId');
  });

  it('is refused where others can read the file, unless --insecure-config says to go on', () => {
    const open = configFile(config);
    chmodSync(open, 0o644);
    const refused = frameseal(['fingerprint', '--config', open]);
    expect(refused.status).toBe(2);
    expect(refused.stdout).toBe('');
    expect(refused.stderr).toContain(`chmod 600 ${open}`);
    const taken = frameseal(['fingerprint', '--config', open, '--insecure-config']);
    expect(taken.status).toBe(0);
    expect(taken.stdout).toContain(fingerprint);
    expect(taken.stderr).toMatch(/^warning: .*other users/);
  });

  it('takes a byte order mark, and refuses a field twice, with the line', () => {
    const marked = configFile(config);
    writeFileSync(marked, `\ufeff${JSON.stringify(config)}`);
    expect(frameseal(['fingerprint', '--config', marked]).stdout).toContain(fingerprint);
    writeFileSync(marked, `{"keyId": 0,\n"keyId": 1}`);
    const { status, stderr } = frameseal(['fingerprint', '--config', marked]);
    expect(status).toBe(2);
    expect(stderr).toContain('line 2, column 1: keyId is there twice');
  });

  it('names the remedy without a configuration, and shows nothing of a broken one', () => {
    const none = frameseal(['fingerprint']);
    expect(none.status).toBe(2);
    expect(none.stderr).toContain('frameseal keygen');
    const missing = frameseal(['fingerprint', '--config', '/nonexistent.json']);
    expect(missing.status).toBe(2);
    expect(missing.stderr).toContain('ENOENT');
    const broken = temporaryFile('broken.json');
    writeFileSync(broken, `{"encryptionKey": "${config.encryptionKey}"`, { mode: 0o600 });
    const bad = frameseal(['fingerprint', '--config', broken]);
    expect(bad.status).toBe(2);
    const weak = configFile({ ...config, encryptionKey: `${config.encryptionKey}0` });
    const odd = frameseal(['fingerprint', '--config', weak]);
    expect(odd.status).toBe(2);
    expect(bad.stderr).toContain('line 1, column ');
    expect(bad.stderr).not.toContain('keygen');
    const link = temporaryFile('link.json');
    symlinkSync('/nonexistent.json', link);
    expect(frameseal(['fingerprint', '--config', link]).stderr).toMatch(/no such file \(ENOENT\)\n$/);
    for (const { stderr } of [bad, odd]) expect(stderr).not.toContain(String(config.encryptionKey).slice(0, 8));
  });
});

describe('the command', () => {
  it('has help, a version, and exit code 2 for what it does not know', () => {
    expect(frameseal(['--help']).status).toBe(0);
    expect(frameseal(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(frameseal(['nonsense']).status).toBe(2);
    expect(frameseal([]).status).toBe(2);
  });
});
