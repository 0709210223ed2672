/**
 * Configuration files: JSON with the fields of FORMAT.md section 1. Keys come from a file, never from an argument:
 * arguments show in the list of processes and in shell histories.
 */
import { lstat } from 'node:fs/promises';
import type { Command } from 'commander';
import { type EncryptionConfig, enableEncryption, type KnownMode } from 'frameseal';
import { JsonError, parseJson } from './json.js';
import { codeOf, createSecretFile, type FileTrust, readSecretFile, reason, replaceSecretFile } from './secretfile.js';
import { CliError } from './terminal.js';

const ENVIRONMENT_NAME = 'FRAMESEAL_CONFIG';
const ADVICE = 'make one with: frameseal keygen --out frameseal.json';

/** The options that name a configuration, as commander gives them. */
export interface ConfigOptions {
  readonly config?: string;
  readonly insecureConfig?: boolean;
}

/** Adds `--config` and `--insecure-config` to a command. */
export function addConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', `the configuration (default: the file that ${ENVIRONMENT_NAME} names)`)
    .option('--insecure-config', 'go on where other users can reach the configuration, or own it');
}

/** Reads the file that `--config` or FRAMESEAL_CONFIG names. Rejects with a CliError; makes no check of the fields. */
export async function loadConfig(options: ConfigOptions): Promise<EncryptionConfig> {
  const file = options.config ?? process.env[ENVIRONMENT_NAME];
  if (file === undefined || file === '')
    throw new CliError(`no configuration: give --config FILE, or name the file in ${ENVIRONMENT_NAME}; ${ADVICE}`);
  // enableEncryption checks the fields.
  return (await readJsonFile(file, options.insecureConfig ? 'insecure' : 'checked')) as EncryptionConfig;
}

/** The value in a JSON file that holds a key. Rejects with a CliError, which never advises to put a key where one may be. */
export async function readJsonFile(file: string, trust: FileTrust): Promise<unknown> {
  let text: string;
  try {
    text = await readSecretFile(file, trust);
  } catch (error) {
    const advice = codeOf(error) === 'ENOENT' && !(await hasName(file)) ? `; ${ADVICE}` : '';
    throw new CliError(`cannot read the configuration ${file}: ${reason(error)}${advice}`);
  }
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const what = text.trim() === '' ? 'it is empty' : `it is not right JSON: ${error.message}`;
    throw new CliError(`cannot use the configuration ${file}: ${what}`);
  }
}

/** Writes a file that its owner alone can read. Rejects with a CliError where there is one that must not be replaced. */
export async function saveConfig(
  path: string,
  config: EncryptionConfig,
  ifExists: 'refuse' | 'replace',
): Promise<void> {
  const text = `${JSON.stringify(config, null, 2)}\n`;
  try {
    await (ifExists === 'replace' ? replaceSecretFile(path, text) : createSecretFile(path, text));
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && ifExists === 'refuse')
      throw new CliError(`${path} exists: choose another name, or give --force to replace the key in it`);
    throw new CliError(`cannot write ${path}: ${reason(error)}`, 1);
  }
}

/** The parts of a configuration that people compare. */
export interface Identity {
  readonly fingerprint: string;
  readonly mode: KnownMode;
  /** SM4 frames carry no key id, so there is none to compare. */
  readonly keyId?: number;
}

/** Throws ConfigError for a bad configuration. */
export function identify(config: EncryptionConfig): Identity {
  const channel = enableEncryption(config);
  const { fingerprint, mode, keyId } = channel;
  channel.close();
  return { fingerprint, mode, ...(keyId !== undefined && { keyId }) };
}

/** Whether there is anything at a path, a link that leads nowhere among it. */
function hasName(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
