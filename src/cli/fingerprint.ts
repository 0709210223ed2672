/** `frameseal fingerprint`: prints the fingerprint of a configuration, for two people to compare. */
import type { Command } from 'commander';
import { identify, loadConfig } from './configfile.js';

/** Settings outside the configuration file and the fingerprint. */
const OPTIONS = '  (framing, bindHeader and rtcp, which each program sets, must agree as well)';

export function addFingerprint(program: Command): void {
  program
    .command('fingerprint')
    .description('print the fingerprint of a configuration: equal where mode, key, salt and context are')
    .option('-c, --config <file>', 'the configuration (default: the file that FRAMESEAL_CONFIG names)')
    .option('--json', 'one JSON object on stdout')
    .action(fingerprint);
}

function fingerprint(options: { config?: string; json?: boolean }): void {
  const identity = identify(loadConfig(options.config));
  const { fingerprint, mode, keyId } = identity;
  if (options.json) process.stdout.write(`${JSON.stringify(identity)}\n`);
  else process.stdout.write(`${fingerprint}  ${mode}${keyId === undefined ? '' : `  keyId ${keyId}`}${OPTIONS}\n`);
}
