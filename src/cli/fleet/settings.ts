/** Where a fleet's keyset is, and how to get there: the `nats` part of a channel, and the file of an operator. */
import { hostname } from 'node:os';
import { isGatewayName } from './document.js';

export interface StoreSettings {
  /** `tls://HOST:PORT`, or `nats://HOST:PORT` without TLS; the same for all of them. */
  readonly servers: readonly string[];
  readonly bucket: string;
  /** The keyset's key in the bucket. */
  readonly key: string;
  /** The file of the age identity. */
  readonly identity: string;
  /** The file of what the server asks for: credentials of NATS, an nkey seed, or `{ "user", "password" }`. */
  readonly credentials?: string;
  /** The file of the certificates that sign the servers'; the system's if left out. */
  readonly ca?: string;
  /** This gateway's name: it writes `status.NAME`. */
  readonly name: string;
}

const SERVER = /^(tls|nats):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;
/** Buckets are names of streams, keys are subjects. */
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;
const TEXT_FIELDS = ['bucket', 'key', 'identity', 'credentials', 'ca', 'name'];
const FIELDS = ['servers', ...TEXT_FIELDS];

/** A machine's name as the name of its gateway. */
export function defaultName(): string {
  const name = hostname()
    .split('.')[0]!
    .replace(/[^A-Za-z0-9_-]/g, '-');
  return isGatewayName(name) ? name : 'gateway';
}

/** Field and fault of each thing that is wrong with settings; none where they can be used. */
export function settingsFaults(value: unknown): readonly { readonly field: string; readonly message: string }[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [{ field: '', message: `expected an object with ${FIELDS.join(', ')}` }];
  const fields = value as Readonly<Record<string, unknown>>;
  const faults: { field: string; message: string }[] = [];
  const fault = (field: string, message: string) => void faults.push({ field, message });
  for (const name of Object.keys(fields))
    if (!FIELDS.includes(name)) fault(name, `unknown; it takes ${FIELDS.join(', ')}`);
  const { servers, bucket, key, identity, name } = fields;
  if (
    !Array.isArray(servers) ||
    servers.length === 0 ||
    !servers.every((each) => typeof each === 'string' && SERVER.test(each))
  )
    fault('servers', 'expected a list such as [tls://10.0.0.2:4222]');
  else if (new Set(servers.map(schemeOf)).size > 1) fault('servers', 'either all of them are tls:// or none is');
  for (const each of TEXT_FIELDS) {
    const text = fields[each];
    if (text !== undefined && (typeof text !== 'string' || text === '')) fault(each, 'expected text');
  }
  if (identity === undefined)
    fault('identity', 'expected the file of an age identity: make one with frameseal fleet keygen');
  for (const [each, token] of Object.entries({ bucket, key })) {
    if (typeof token !== 'string' || !TOKEN.test(token)) fault(each, 'expected 1 to 64 letters, digits, "_" or "-"');
  }
  if (key === 'status') fault('key', 'status is where gateways report: choose another');
  if (typeof name === 'string' && !isGatewayName(name)) fault('name', 'expected 1 to 64 letters, digits, "_" or "-"');
  return faults;
}

export function usesTls({ servers }: StoreSettings): boolean {
  return schemeOf(servers[0]!) === 'tls';
}

/** The name or address of a server, without brackets. */
export function hostOf(server: string): string {
  return SERVER.exec(server)![2]!.replace(/^\[|\]$/g, '');
}

function schemeOf(server: string): string {
  return server.slice(0, server.indexOf(':'));
}
