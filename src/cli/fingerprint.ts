/** `frameseal fingerprint`: what two people compare to see whether they have the same mode, key and salt. */
import type { Command } from 'commander';
import { enableEncryption } from '../index.js';
import { loadConfig } from './configfile.js';

/** What the fingerprint and the file say nothing of. */
const OPTIONS = '  (framing and bindHeader, which each program sets, must agree as well)';

export function addFingerprint(program: Command): void {
  program
    .command('fingerprint')
    .description('print the fingerprint of a configuration: equal where mode, key and salt are')
    .option('-c, --config <file>', 'the configuration (default: the file that FRAMESEAL_CONFIG names)')
    .option('--json', 'one JSON object on stdout')
    .action(fingerprint);
}

function fingerprint(options: { config?: string; json?: boolean }): void {
  const config = loadConfig(options.config);
  const channel = enableEncryption(config);
  const { mode } = channel;
  const keyId = config.keyId ?? 0;
  // SM4 frames carry no key id, so there is none to compare.
  const result = { fingerprint: channel.fingerprint, mode, ...(mode === 'SM4_128_ECB' ? {} : { keyId }) };
  channel.close();
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(`${result.fingerprint}  ${mode}${'keyId' in result ? `  keyId ${keyId}` : ''}${OPTIONS}\n`);
}
