/** `frameseal check`: what a gateway would do with a configuration, and every fault of it at once. Opens no socket. */
import type { Command } from 'commander';
import { endpointText } from './arguments.js';
import { identify } from './configfile.js';
import { connectionOptions } from './fleet/nats.js';
import { identityIn } from './fleet/operator.js';
import type { GatewayModel, SideModel } from './gateway/config/model.js';
import type { Reading } from './gateway/config/read.js';
import { fileSource } from './gateway/config/source.js';
import { readKeys } from './gateway/keeper.js';
import { directed } from './gateway/keyset.js';
import { CliError, table } from './terminal.js';

interface CheckOptions {
  insecureConfig?: boolean;
  json?: boolean;
}

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('read a gateway.yaml and its key files, and say what the gateway would do, or every fault')
    .argument('<file>', 'gateway.yaml')
    .option('--insecure-config', 'go on where other users can reach a key file, or own it')
    .option('--json', 'one JSON document on stdout')
    .action(check);
}

async function check(file: string, options: CheckOptions): Promise<void> {
  const { model, line, ...reading } = await fileSource(file).read();
  const keys = model && (await readKeys({ model, line }, options.insecureConfig ? 'insecure' : 'checked'));
  const faults = [...reading.faults, ...(keys?.faults ?? []), ...(model ? await storeFaults(model, line) : [])];
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: faults.length === 0, faults })}\n`);
  if (faults.length > 0)
    throw new CliError(
      `${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  if (options.json || model === undefined) return;
  const channels = keys!.channels.map((plan) => {
    const [seals, opens] = [identify(directed(plan).seals), identify(directed(plan).opens)];
    const prints =
      seals.fingerprint === opens.fingerprint
        ? seals.fingerprint
        : `seals ${seals.fingerprint}, opens ${opens.fingerprint}`;
    return [plan.model.name, seals.mode, `key id ${seals.keyId ?? 'none'}`, prints];
  });
  process.stdout.write(`${describeModel(model)}${channels.length > 0 ? `channels\n${table(channels)}` : ''}`);
}

/** What is wrong with identities, credentials and ca of channels whose keys are in a store. The store itself is not asked. */
async function storeFaults({ channels }: GatewayModel, line: Reading['line']): Promise<string[]> {
  const faults = channels.map(async ({ name, nats }) => {
    if (nats === undefined) return [];
    try {
      await identityIn(nats.identity);
      await connectionOptions(nats);
      return [];
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      return [line({ path: ['channels', name, 'nats'], message: error.message })];
    }
  });
  return (await Promise.all(faults)).flat();
}

function describeModel({ routes, http, workers }: GatewayModel): string {
  const arrow = { both: '<->', outward: '->', inward: '<-' } as const;
  const rows = routes.map(({ name, direction, inside, outside }) => [
    name,
    sideText(inside),
    arrow[direction],
    sideText(outside),
  ]);
  const served = http === undefined ? 'no http' : `http://${endpointText(http)}/`;
  return `routes (${workers === 0 ? 'main thread' : `${workers} workers`}, ${served})\n${table(rows)}`;
}

function sideText({ rule, listen, peer, from }: SideModel): string {
  const what = rule.kind === 'channel' ? `channel ${rule.channel}` : rule.kind;
  const at = listen === undefined ? 'any port' : endpointText(listen);
  const to = peer === undefined ? '' : `, peer ${peer === 'learn' ? 'learned' : endpointText(peer)}`;
  return `${at} (${what}${to}${from === undefined ? '' : `, from ${from.join(' ')}`})`;
}
