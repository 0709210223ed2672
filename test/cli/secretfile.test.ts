/** Files that hold keys: permissions, limits of reading, and a replacement that leaves the old file or the new one, whole. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createSecretFile, readSecretFile, reason, replaceSecretFile } from '../../src/cli/secretfile.js';
import { temporaryFile } from '../support/cli.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

function fileOf(text: string | Uint8Array, mode = 0o600): string {
  const file = temporaryFile('key.json');
  fs.writeFileSync(file, text);
  fs.chmodSync(file, mode);
  return file;
}

/** Why a file is not read. */
async function refusal(file: string): Promise<string> {
  return readSecretFile(file, 'checked').then((text) => `read ${text.length}`, reason);
}

/** What stderr gets while the work runs. */
async function told(work: () => Promise<unknown>): Promise<string> {
  let text = '';
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  await work().finally(() => write.mockRestore());
  return text;
}

describe('reach', () => {
  it.each([0o644, 0o604, 0o620, 0o602, 0o660, 0o666, 0o777, 0o640])(
    'of mode %o in the own group is refused',
    async (mode) => {
      const file = fileOf('{}', mode);
      expect(await refusal(file)).toMatch(
        /^other users can reach the key in it \(mode 0\d{3}\): chmod 600 .*--insecure-config$/,
      );
      const output = await told(async () => {
        for (let i = 0; i < 2; i++) expect(await readSecretFile(file, 'insecure')).toBe('{}');
      });
      expect(output.match(/warning: .*other users/g)).toHaveLength(1);
    },
  );

  it.each([0o600, 0o400])('of mode %o is well, silently', async (mode) => {
    expect(await told(() => readSecretFile(fileOf('{}', mode), 'checked'))).toBe('');
  });

  it.skipIf(!isRoot)('of a chosen group is reported once', async () => {
    const file = fileOf('{}', 0o640);
    fs.chownSync(file, 0, NOBODY);
    const output = await told(async () => {
      for (let i = 0; i < 3; i++) expect(await readSecretFile(file, 'checked')).toBe('{}');
    });
    expect(output).toBe(`note: the group ${NOBODY} can read the key in ${file} as well\n`);
    fs.chmodSync(file, 0o660);
    expect(await refusal(file)).toContain('mode 0660');
  });

  it.skipIf(!isRoot)('of a credential of systemd is that of its unit, silently', async () => {
    const file = fileOf('{}', 0o440);
    fs.chownSync(file, 0, NOBODY);
    vi.stubEnv('CREDENTIALS_DIRECTORY', dirname(file));
    expect(await told(() => readSecretFile(file, 'checked'))).toBe('');
    vi.unstubAllEnvs();
  });

  it.skipIf(!isRoot)('of a file that belongs to another user is refused', async () => {
    const file = fileOf('{}');
    fs.chownSync(file, NOBODY, NOBODY);
    expect(await refusal(file)).toMatch(
      /^it belongs to another user \(uid 65534; this is uid 0\): chown 0 .*--insecure-config$/,
    );
    expect(await told(() => readSecretFile(file, 'insecure'))).toContain('another user');
  });
});

describe('reading', () => {
  it.each([
    ['a byte order mark', Buffer.from('\ufeff{}'), 'read 2'],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), 'it is UTF-16: save it as UTF-8'],
    ['other bytes', Uint8Array.of(0x7b, 0xff, 0x7d), 'it is not UTF-8'],
    ['1 MiB', ' '.repeat(1 << 20), `read ${1 << 20}`],
    ['more than 1 MiB', ' '.repeat((1 << 20) + 1), 'it is larger than 1 MiB'],
    ['nothing', '', 'read 0'],
  ])('a file of %s', async (_, content, result) => expect(await refusal(fileOf(content))).toBe(result));

  it('reports in words what is no file', async () => {
    const file = fileOf('{}');
    expect(await refusal(dirname(file))).toBe('it is a directory (EISDIR)');
    expect(await refusal(`${file}x`)).toBe('there is no such file (ENOENT)');
    expect(await refusal(join(file, 'x'))).toBe('a part of the path is not a directory (ENOTDIR)');
    expect(await refusal('/dev/zero')).toBe('it is neither a regular file nor a pipe');
  });

  it.skipIf(isRoot)('reports in words that this user has no permission', async () => {
    expect(await refusal(fileOf('{}', 0))).toBe('this user has no permission (EACCES)');
  });

  it('waits for the writer of a pipe, 5 s at most, and no longer than the file is open', async () => {
    const pipe = temporaryFile('pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    const text = readSecretFile(pipe, 'checked');
    await new Promise((resolve) => setTimeout(resolve, 100));
    execFileSync('sh', ['-c', `(printf '{"a":'; sleep 0.1; printf '1}') > ${pipe}`]);
    expect(await text).toBe('{"a":1}');
    // More at the same time than the pool has threads: other work of the pool continues.
    const waiting = Array.from({ length: 8 }, () => refusal(pipe));
    expect(await refusal(fileOf('{}'))).toBe('read 2');
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['nothing was read within 5 s']));
  });
});

describe('writing', () => {
  const alone = (file: string) => expect(fs.readdirSync(dirname(file))).toEqual([basename(file)]);

  it('creates for its owner alone, and does not replace', async () => {
    const file = temporaryFile('new.json');
    await createSecretFile(file, 'a');
    await expect(createSecretFile(file, 'b')).rejects.toThrow('EEXIST');
    expect(fs.readFileSync(file, 'utf8')).toBe('a');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  });

  it('replaces the target of a symbolic link, and the link stays', async () => {
    const file = fileOf('old', 0o644);
    const link = temporaryFile('link.json');
    fs.symlinkSync(file, link);
    await replaceSecretFile(link, 'new');
    expect(fs.readlinkSync(link)).toBe(file);
    expect(fs.readFileSync(file, 'utf8')).toBe('new');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    alone(file);
  });

  it('puts nothing in the place of what is no file', async () => {
    const link = temporaryFile('link.json');
    fs.symlinkSync('/nonexistent/key.json', link);
    await expect(replaceSecretFile(link, 'new')).rejects.toThrow('a symbolic link to a file that does not exist');
    // As root, a defect here would replace a device: the test has a pipe of its own.
    const pipe = temporaryFile('pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(replaceSecretFile(pipe, 'new')).rejects.toThrow('it is not a regular file');
    expect(fs.statSync(pipe).isFIFO()).toBe(true);
    await expect(replaceSecretFile(dirname(link), 'new')).rejects.toThrow('it is a directory');
  });

  it.skipIf(!isRoot)('keeps the owner, and a chosen group', async () => {
    const file = fileOf('old', 0o640);
    fs.chownSync(file, NOBODY, NOBODY);
    await replaceSecretFile(file, 'new');
    const { uid, gid, mode } = fs.statSync(file);
    expect([uid, gid, mode & 0o777]).toEqual([NOBODY, NOBODY, 0o640]);
  });
});
