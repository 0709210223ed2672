/** `frameseal keygen`: a new configuration, to a file of mode 0600 or to stdout. */
import type { Command } from 'commander';
import { type EncryptionConfig, generateKey, generateSalt } from 'frameseal';
import { integerArgument } from './arguments.js';
import { identify, saveConfig } from './configfile.js';

interface KeygenOptions {
  mode: string;
  keyId?: number;
  out?: string;
  force?: boolean;
}

export function addKeygen(program: Command): void {
  program
    .command('keygen')
    .description('make a configuration with a new key and salt')
    .option('-m, --mode <mode>', 'AES_128_GCM2, AES_256_GCM2 or SM4_128_ECB', 'AES_256_GCM2')
    .option('--key-id <0..15>', 'which key epoch this is; count on when you rotate', integerArgument(0, 15))
    .option('-o, --out <file>', 'write it to a new file that only you can read, not to stdout')
    .option('--force', 'replace the file; a symbolic link stays, and its target is replaced')
    .action(keygen);
}

async function keygen(options: KeygenOptions): Promise<void> {
  const asked = /^\d+$/.test(options.mode) ? Number(options.mode) : options.mode;
  const config: EncryptionConfig = { encryptionMode: asked, encryptionKey: generateKey() };
  if (!isSm4(options.mode)) config.encryptionKdfSalt = generateSalt();
  if (options.keyId !== undefined) config.keyId = options.keyId;
  const { fingerprint, mode, keyId } = identify(config);
  config.encryptionMode = mode;
  if (options.out === undefined) {
    process.stdout.write(`${JSON.stringify(config, null, 2)}\n`);
    return;
  }
  await saveConfig(options.out, config, options.force ? 'replace' : 'refuse');
  process.stderr.write(
    `${options.out}: ${mode}, ${keyId === undefined ? '' : `keyId ${keyId}, `}fingerprint ${fingerprint}\n`,
  );
}

function isSm4(mode: string): boolean {
  return /^(4|sm4.*)$/i.test(mode);
}
