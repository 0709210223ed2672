/** The shape of gateway.yaml, as valibot checks it: each field, its type, its words when it is wrong. Read to a GatewayModel by read.ts. */
import { BlockList } from 'node:net';
import * as v from 'valibot';
import { type StoreSettings, settingsFaults } from '../../fleet/settings.js';
import { addPrefix, parseEndpoint } from './addresses.js';
import { CHANNEL_DEFAULTS } from './model.js';

const DAY_MS = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Names are labels of metrics, and parts of messages. */
const name = v.pipe(
  v.string('expected a name'),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name has 1 to 64 letters, digits, ".", "_" or "-"'),
);
const file = v.pipe(v.string('expected the path of a file'), v.nonEmpty('expected the path of a file'));
const flag = v.boolean('expected true or false');

const endpoint = v.pipe(
  v.string('expected HOST:PORT'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const read = parseEndpoint(dataset.value);
    if (typeof read !== 'string') return read;
    addIssue({ message: read });
    return NEVER;
  }),
);

const duration = v.pipe(
  v.string('expected a time: 500ms, 5s, 2m or 1h'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const [, digits, unit] = /^(\d{1,8})(ms|s|m|h)$/.exec(dataset.value) ?? [];
    const ms = Number(digits) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
    if (ms <= DAY_MS) return ms;
    addIssue({ message: 'expected a time from 0s to 24h: 500ms, 5s, 2m or 1h' });
    return NEVER;
  }),
);

const prefix = v.pipe(
  v.string('expected an address or a prefix'),
  v.rawCheck(({ dataset, addIssue }) => {
    const fault = dataset.typed ? addPrefix(new BlockList(), dataset.value) : undefined;
    if (fault !== undefined) addIssue({ message: fault });
  }),
);

const from = v.union(
  [
    v.pipe(
      v.literal('any'),
      v.transform(() => ['any']),
    ),
    v.pipe(v.array(prefix), v.nonEmpty('an empty list lets nobody send')),
    v.pipe(
      prefix,
      v.transform((one) => [one]),
    ),
  ],
  'expected any, an address, a prefix, or a list of these: [192.0.2.0/24, 2001:db8::1]',
);

function whole(least: number, most: number) {
  const message = `expected a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
}

function choice<const Choices extends readonly [string, ...string[]]>(...choices: Choices) {
  return v.picklist(choices, `expected ${choices.join(' or ')}`);
}

/** The words of settingsFaults, which knows what a store needs. */
const nats = v.pipe(
  v.looseObject({}, 'expected servers, bucket, key and identity'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const { field, message } of settingsFaults(dataset.value))
      addIssue({ message: field === '' ? message : `${field}: ${message}` });
  }),
  v.transform((settings) => settings as unknown as Omit<StoreSettings, 'name'> & { readonly name?: string }),
);

const channelFields = v.strictObject({
  file: v.optional(file),
  nats: v.optional(nats),
  context: v.optional(
    v.pipe(
      v.string('expected text'),
      v.check((text) => /^[^\p{Cc}]+$/u.test(text), 'a context is text without control characters'),
      v.maxBytes(250, 'a context has at most 250 bytes here, so that the role has room'),
    ),
  ),
  role: v.optional(choice('a', 'b')),
  rtcp: v.optional(choice('sealed', 'clear'), CHANNEL_DEFAULTS.rtcp),
  bindHeader: v.optional(flag, CHANNEL_DEFAULTS.bindHeader),
  replayWindow: v.optional(
    v.pipe(
      whole(64, 65_536),
      v.check((window) => (window & (window - 1)) === 0, 'expected a power of two from 64 to 65536'),
    ),
    CHANNEL_DEFAULTS.replayWindow,
  ),
  maxSenders: v.optional(whole(1, 65_536), CHANNEL_DEFAULTS.maxSenders),
  sealAfter: v.optional(duration, `${CHANNEL_DEFAULTS.sealAfterMs}ms`),
  grace: v.optional(duration, `${CHANNEL_DEFAULTS.graceMs}ms`),
  watch: v.optional(flag, CHANNEL_DEFAULTS.watch),
});

const channel = v.pipe(
  channelFields,
  v.check(
    ({ file, nats }) => (file === undefined) !== (nats === undefined),
    'a channel has its key in one place: file: PATH, or nats: { servers, bucket, key, identity }',
  ),
);

const side = v.strictObject({
  listen: v.optional(endpoint),
  peer: v.optional(v.union([v.literal('learn'), endpoint], (issue) => wordsOf(issue, 'expected HOST:PORT or learn'))),
  from: v.optional(from),
  clear: v.optional(v.literal(true, 'clear takes true alone: a side that is protected names its channel or srtp keys')),
  channel: v.optional(name),
  srtp: v.optional(v.strictObject({ send: v.optional(name), receive: v.optional(name) })),
  rtcpPort: v.optional(choice('next', 'mux')),
  clearRtcp: v.optional(choice('forward', 'drop')),
  interface: v.optional(v.pipe(v.string('expected an address or a name'), v.nonEmpty('expected an address or a name'))),
});

const route = v.strictObject({
  name,
  direction: v.optional(choice('both', 'outward', 'inward'), 'both'),
  inside: side,
  outside: side,
});

export const gatewaySchema = v.strictObject({
  http: v.optional(endpoint),
  workers: v.optional(whole(0, 64), 0),
  state: v.optional(file),
  channels: v.optional(v.record(name, channel), {}),
  srtp: v.optional(v.record(name, v.strictObject({ file })), {}),
  routes: v.pipe(v.array(route, 'expected a list of routes'), v.nonEmpty('a gateway has at least one route')),
});

export type GatewayFile = v.InferOutput<typeof gatewaySchema>;
export type SideFile = v.InferOutput<typeof side>;
export type SchemaIssue = v.InferIssue<typeof gatewaySchema>;

/** The words of the only branch of a union that took the type, if there is one. */
function wordsOf(
  issue: { readonly issues?: readonly { readonly message: string }[] | undefined },
  words: string,
): string {
  return issue.issues?.find(({ message }) => !message.startsWith('Invalid'))?.message ?? words;
}
