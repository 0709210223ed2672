/** `frameseal fleet`: keys for a fleet of gateways, in NATS JetStream KV. */
import type { Command } from 'commander';
import { generateKey, generateSalt } from 'frameseal';
import { integerArgument } from '../arguments.js';
import { identify } from '../configfile.js';
import { codeOf, createSecretFile, reason } from '../secretfile.js';
import { CliError, StatusLine, table } from '../terminal.js';
import { newIdentity } from './age.js';
import { configOf, isGatewayName, isRecipient, type Keyset, type KeysetKey } from './document.js';
import { ENVIRONMENT_NAME, settingsOf } from './fleetfile.js';
import { type Head, identityIn, Operator, type Report } from './operator.js';
import { inFlight, type RotateEvent, type RotateOptions, Rotation, silentGateways, withoutReader } from './rotate.js';
import { defaultName, type StoreSettings } from './settings.js';

const MODES = ['AES_128_GCM2', 'AES_256_GCM2'];

interface FleetOptions {
  fleet?: string;
  json?: boolean;
}

interface InitOptions extends FleetOptions {
  mode: string;
  context?: string;
  replicas: number;
}

interface WaitOptions extends FleetOptions {
  lead: number;
  wait: number;
  force?: boolean;
  resume?: boolean;
}

export function addFleet(program: Command): void {
  const fleet = program
    .command('fleet')
    .description('keys for many gateways: a keyset in NATS JetStream KV, encrypted to each of them');
  fleet
    .command('keygen')
    .description('make an age identity: one for each gateway and each operator, where it is used')
    .requiredOption('-o, --out <file>', 'a new file that only you can read')
    .option('--json', 'one JSON object on stdout')
    .action(keygen);
  const init = subcommand(fleet, 'init', 'make the bucket and the first keyset');
  init
    .option('-m, --mode <mode>', 'AES_128_GCM2 or AES_256_GCM2', 'AES_256_GCM2')
    .option('--context <text>', 'the context of the keys')
    .option('--replicas <count>', 'servers that hold the bucket: 3 in a cluster', integerArgument(1, 5), 1)
    .action(initialize);
  subcommand(fleet, 'add-gateway', 'let a gateway read the keyset; RECIPIENT is what keygen printed there')
    .argument('<name>', 'its name: what nats: name: says there, or the name of its machine')
    .argument('<recipient>', 'age1...')
    .option('--operator', 'it is an operator, and no gateway')
    .action(addGateway);
  waiting(subcommand(fleet, 'rotate', 'give all gateways a new key, without a gap'))
    .option('--resume', 'go on with a rotation that was begun')
    .action(rotate);
  waiting(subcommand(fleet, 'revoke', 'take a gateway or an operator out: a rotation to a key that it cannot read'))
    .argument('<name>', 'the gateway or operator')
    .action(revoke);
  subcommand(fleet, 'status', 'the keys, and what each gateway has').action(status);
}

function subcommand(fleet: Command, name: string, description: string): Command {
  return fleet
    .command(name)
    .description(description)
    .option(
      '-f, --fleet <file>',
      `YAML with servers, bucket, key, identity, credentials, ca (default: ${ENVIRONMENT_NAME})`,
    )
    .option('--json', 'JSON on stdout');
}

function waiting(command: Command): Command {
  return command
    .option('--lead <seconds>', 'from the announcement to all until the new key seals', integerArgument(0, 3600), 10)
    .option('--wait <seconds>', 'how long to wait for gateways', integerArgument(0, 3600), 60)
    .option('--force', 'continue without gateways that do not follow in time');
}

async function keygen({ out, json }: { out: string; json?: boolean }): Promise<void> {
  const { text, recipient } = await newIdentity();
  try {
    await createSecretFile(out, text);
  } catch (error) {
    if (codeOf(error) === 'EEXIST')
      throw new CliError(`${out} exists: choose another name; what is in use must not be replaced`);
    throw new CliError(`cannot write ${out}: ${reason(error)}`, 1);
  }
  if (json) print({ file: out, recipient });
  else {
    process.stdout.write(`${recipient}\n`);
    say(
      `${out} holds the identity, a secret that stays here. An operator adds it: frameseal fleet add-gateway ${defaultName()} ${recipient}`,
    );
  }
}

async function initialize(options: InitOptions): Promise<void> {
  if (!MODES.includes(options.mode))
    throw new CliError(`--mode is one of ${MODES.join(', ')}: others have no rotation`);
  const settings = await settingsOf(options);
  const pair = await identityIn(settings.identity);
  const key: KeysetKey = {
    keyId: 0,
    encryptionMode: options.mode,
    encryptionKey: generateKey(),
    encryptionKdfSalt: generateSalt(),
    ...(options.context !== undefined && { context: options.context }),
    sealFrom: new Date().toISOString(),
  };
  const { fingerprint } = identify(configOf(key));
  // A gateway that knows a keyset of before, in a store that was wiped, takes the one of a later generation.
  const generation = Math.floor(Date.now() / 1000);
  const keyset: Keyset = {
    version: 1,
    keys: [key],
    generation,
    gateways: {},
    operators: { [settings.name]: pair.recipient },
  };
  await withOperator(settings, { replicas: options.replicas }, async (operator) => {
    const revision = await operator.create(keyset);
    if (options.json) print({ revision, keyId: 0, fingerprint });
    else
      say(
        `${settings.bucket}/${settings.key} begins, revision ${revision}: ${options.mode}, key id 0, fingerprint ${fingerprint}\n` +
          'next, for each gateway: frameseal fleet keygen --out gateway.age there, and frameseal fleet add-gateway NAME RECIPIENT here',
      );
  });
}

async function addGateway(
  name: string,
  recipient: string,
  options: FleetOptions & { operator?: boolean },
): Promise<void> {
  if (!isGatewayName(name)) throw new CliError('a name has 1 to 64 letters, digits, "_" or "-"');
  if (!isRecipient(recipient))
    throw new CliError('a recipient is age1 and 58 letters and digits, as frameseal fleet keygen prints it');
  const settings = await settingsOf(options);
  const group = options.operator ? 'operators' : 'gateways';
  await withOperator(settings, undefined, async (operator) => {
    const head = await operator.read();
    const before = head.keyset[group] ?? {};
    for (const [other, its] of [
      ...Object.entries(head.keyset.gateways ?? {}),
      ...Object.entries(head.keyset.operators ?? {}),
    ]) {
      if (other === name && its !== recipient)
        throw new CliError(
          `${name} is there with another recipient: frameseal fleet revoke ${name} takes it out first`,
        );
      if (other !== name && its === recipient)
        throw new CliError(
          `${other} has this recipient: one name for each identity, or a revoked one could go on reading; gateways that share it report as ${other}-1, ${other}-2`,
        );
    }
    const revision = await operator.update({ ...head.keyset, [group]: { ...before, [name]: recipient } }, head);
    if (options.json) return print({ name, recipient, revision });
    const { servers, bucket, key } = settings;
    say(`${name} can read ${bucket}/${key} from revision ${revision} on`);
    if (!options.operator)
      say(
        `next, in its gateway.yaml:\n  channels: { ${key}: { nats: { servers: [${servers.join(', ')}], bucket: ${bucket}, key: ${key}, name: ${name}, identity: gateway.age } } }\nthen frameseal fleet status shows it`,
      );
  });
}

async function rotate(options: WaitOptions): Promise<void> {
  const settings = await settingsOf(options);
  await withOperator(settings, undefined, async (operator) => {
    const head = await operator.read();
    await operator.follow();
    const rotation = new Rotation(operator, head, rotateOptions(options), teller(options));
    finish(options.resume ? await rotation.resume() : await rotation.run(), options);
  });
}

async function revoke(name: string, options: WaitOptions): Promise<void> {
  const settings = await settingsOf(options);
  await withOperator(settings, undefined, async (operator) => {
    const head = await operator.read();
    if (head.keyset.operators?.[name] === operator.pair.recipient)
      throw new CliError(`${name} is this operator: another one can take it out`);
    const keyset = withoutReader(head.keyset, name);
    await operator.follow();
    const rotation = new Rotation(
      operator,
      { ...head, keyset },
      { ...rotateOptions(options), revoked: name },
      teller(options),
    );
    const done = await rotation.run();
    if (!options.json)
      say(
        `${name} cannot read the keyset any more. What it has opened it may have kept; take its user out of the server too`,
      );
    finish(done, options);
  });
}

function rotateOptions({ lead, wait, force }: WaitOptions): RotateOptions {
  return { leadMs: 1000 * lead, waitMs: 1000 * wait, ifMissing: force ? 'go-on' : 'stop' };
}

function finish({ revision, keyset }: Head, { json }: FleetOptions): void {
  const key = keyset.keys.at(-1)!;
  const { fingerprint } = identify(configOf(key));
  if (json) print({ event: 'done', revision, keyId: key.keyId, fingerprint });
  else
    say(
      `done, revision ${revision}: key id ${key.keyId}, fingerprint ${fingerprint}; gateways wipe the key before it after their grace`,
    );
}

/** Tells people, or machines, of a rotation; what is waited for once for each change. */
function teller({ json }: FleetOptions): (event: RotateEvent) => void {
  const line = new StatusLine();
  let last = '';
  return (event) => {
    const text = textOf(event);
    if (text === last) return;
    last = text;
    if (json) return print({ event: event.type, ...event, type: undefined });
    line.clear();
    if (event.type === 'waiting' && event.missing.length > 0 && process.stderr.isTTY) line.show(text);
    else say(text);
  };
}

function textOf(event: RotateEvent): string {
  switch (event.type) {
    case 'announced':
      return `revision ${event.revision} announces key id ${event.keyId}: gateways open with it as soon as they have it`;
    case 'waiting': {
      const what = event.forWhat === 'key' ? 'have the new key' : 'seal with it';
      const missing = event.missing.length === 0 ? '' : `; not yet: ${some(event.missing)}`;
      const silent =
        event.silent.length === 0 ? '' : `; silent for a minute, and not waited for: ${some(event.silent)}`;
      return `${event.have} of ${event.have + event.missing.length} gateways ${what}${missing}${silent}`;
    }
    case 'without':
      return `continues without ${some(event.missing)}: what they send may not open until they have the new key`;
    case 'scheduled':
      return `revision ${event.revision}: key id ${event.keyId} seals from ${event.sealFrom} on`;
    case 'retired':
      return `revision ${event.revision} lists key id ${event.keyId} alone`;
  }
}

const MOST_NAMES = 10;

function some(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

async function status(options: FleetOptions): Promise<void> {
  const settings = await settingsOf(options);
  await withOperator(settings, undefined, async (operator) => {
    const { revision, keyset } = await operator.read();
    await operator.follow();
    const { reports } = operator;
    const keys = keyset.keys.map((key) => ({
      keyId: key.keyId,
      fingerprint: identify(configOf(key)).fingerprint,
      sealFrom: key.sealFrom,
    }));
    const { gateways = {}, operators = {}, generation = 0 } = keyset;
    const silent = silentGateways(keyset, reports);
    if (options.json) return print({ revision, generation, keys, gateways, operators, reports, silent });
    process.stdout.write(`${settings.bucket}/${settings.key}, revision ${revision}\n`);
    process.stdout.write(
      table(
        keys.map(({ keyId, fingerprint, sealFrom }) => [
          `key id ${keyId}`,
          fingerprint,
          sealFrom ? `seals from ${sealFrom}` : 'announced',
        ]),
      ),
    );
    process.stdout.write(
      reports.length === 0 ? 'no gateway has reported yet\n' : table(reports.map((report) => rowOf(report, revision))),
    );
    if (silent.length > 0) say(`silent for a minute: ${some(silent)}: check that they run, and reach the store`);
    const pending = inFlight(keyset);
    if (pending) say(`a rotation to key id ${pending.keyId} is under way: frameseal fleet rotate --resume finishes it`);
    else if (reports.some((report) => report.isRecent && report.revision > revision))
      say('gateways have a newer revision than the store, which was set back: they go on with what they have');
  });
}

function rowOf({ name, revision, keyIds, sealing, createdMs, isRecent, trouble }: Report, head: number): string[] {
  const behind = revision === head ? '' : ` (the store has ${head})`;
  const seconds = Math.max(0, Math.round((Date.now() - createdMs) / 1000));
  return [
    name,
    `revision ${revision}${behind}`,
    `opens ${keyIds.join(', ')}`,
    `seals ${sealing}`,
    `${isRecent ? 'reported' : 'silent since'} ${seconds} s ago`,
    trouble ?? '',
  ];
}

async function withOperator(
  settings: StoreSettings,
  create: { readonly replicas: number } | undefined,
  action: (operator: Operator) => Promise<void>,
): Promise<void> {
  const operator = await Operator.open(settings, create);
  try {
    await action(operator);
  } finally {
    await operator.close();
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
