/**
 * Configuration files: JSON with the fields of FORMAT.md section 1. Keys come from a file, never from an argument:
 * arguments show in the list of processes and in shell histories.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type Channel, type EncryptionConfig, enableEncryption, type KnownMode } from 'frameseal';
import { CliError, warn } from './terminal.js';

const ENVIRONMENT_NAME = 'FRAMESEAL_CONFIG';

/** Reads the file that `--config` or FRAMESEAL_CONFIG names. Throws CliError; warns where others can read the file. */
export function loadConfig(path: string | undefined): EncryptionConfig {
  const file = path ?? process.env[ENVIRONMENT_NAME];
  if (file === undefined || file === '') {
    throw new CliError(
      `no configuration: give --config FILE, or name the file in ${ENVIRONMENT_NAME}; make one with: frameseal keygen --out frameseal.json`,
    );
  }
  let text: string;
  try {
    warnOfReaders(file);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(
      `cannot read the configuration ${file}: ${reason(error)}; make one with: frameseal keygen --out frameseal.json`,
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would show a piece of the file, and so perhaps of the key.
    throw new CliError(
      `the configuration ${file} is not JSON (${text.length} characters): make one with frameseal keygen`,
    );
  }
}

/** Writes a file that its owner alone can read. Throws CliError where there is one that must not be replaced. */
export function saveConfig(path: string, config: EncryptionConfig, ifExists: 'refuse' | 'replace'): void {
  try {
    // A new file: other users may be able to read an existing one.
    if (ifExists === 'replace') rmSync(path, { force: true });
    writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const why = reason(error);
    if (why === 'EEXIST')
      throw new CliError(`${path} exists: choose another name, or give --force to replace the key in it`);
    throw new CliError(`cannot write ${path}: ${why}`, 1);
  }
}

/** The parts of a configuration that people compare. */
export interface Identity {
  readonly fingerprint: string;
  readonly mode: KnownMode;
  /** SM4 frames carry no key id, so there is none to compare. */
  readonly keyId?: number;
}

export function identityOf({ fingerprint, mode, keyId }: Channel): Identity {
  return { fingerprint, mode, ...(keyId !== undefined && { keyId }) };
}

/** Throws ConfigError for a bad configuration. */
export function identify(config: EncryptionConfig): Identity {
  const channel = enableEncryption(config);
  const identity = identityOf(channel);
  channel.close();
  return identity;
}

function warnOfReaders(file: string): void {
  if (process.platform === 'win32') return;
  const status = statSync(file);
  if (status.isFile() && (status.mode & 0o077) !== 0)
    warn(`other users can reach the key in ${file}: chmod 600 ${file}`);
}

function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'it failed';
}
