/** `frameseal fingerprint`: prints the fingerprint of a configuration, for two people to compare. */
import type { Command } from 'commander';
import { addConfigOptions, type ConfigOptions, identify, loadConfig } from './configfile.js';

/** Settings outside the configuration file and the fingerprint. */
const OPTIONS = '  (framing and bindHeader, which each program sets, must agree as well)';

export function addFingerprint(program: Command): void {
  const command = program
    .command('fingerprint')
    .description('print the fingerprint of a configuration: equal where mode, key, salt and context are');
  addConfigOptions(command).option('--json', 'one JSON object on stdout').action(fingerprint);
}

async function fingerprint(options: ConfigOptions & { json?: boolean }): Promise<void> {
  const identity = identify(await loadConfig(options));
  const { fingerprint, mode, keyId } = identity;
  if (options.json) process.stdout.write(`${JSON.stringify(identity)}\n`);
  else process.stdout.write(`${fingerprint}  ${mode}${keyId === undefined ? '' : `  keyId ${keyId}`}${OPTIONS}\n`);
}
