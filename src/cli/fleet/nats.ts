/**
 * The store: a bucket of NATS JetStream KV. Its packages are loaded here, when the first store is opened, and nowhere else.
 *
 *     KEY           the keyset, encrypted; its revision is the stream's sequence number
 *     status.NAME   what gateway NAME has, as JSON without secrets
 *
 * Reads ask the stream's leader: a follower may be behind, and would look like a store that was set back.
 */
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { KV } from '@nats-io/kv';
import type { ConnectionOptions, NatsConnection, TlsOptions } from '@nats-io/transport-node';
import { parseJson } from '../json.js';
import { readSecretFile, reason } from '../secretfile.js';
import { CliError } from '../terminal.js';
import { hostOf, type StoreSettings, usesTls } from './settings.js';

const CONNECT_MS = 5000;
const REQUEST_MS = 4000;
const PING_MS = 10_000;
/** Between attempts to connect again: spread, so that a fleet does not come all at once. */
const RECONNECT_MS = 250;
const RECONNECT_SPREAD_MS = 750;
/** To each server: about a minute. */
const MAX_RECONNECTS = 100;
const MAX_MESSAGE = 500;
/** An old keyset is useful to the thief of an identity alone. */
const HISTORY = 1;

export interface Entry {
  readonly revision: number;
  readonly value: Uint8Array;
  /** By the server's clock. */
  readonly createdMs: number;
}

/** Why a store cannot be used. `gone`: it does not answer. `missing`: it answers, and the bucket or the key is not there. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  override readonly cause: 'gone' | 'refused' | 'missing' | 'conflict' | 'exists' | 'too-large';
  /** Whether a server took the request and did not answer in time: it may have been done. */
  readonly isTimeout: boolean;

  constructor(cause: StoreError['cause'], message: string, isTimeout = false) {
    // Parts of it may be the server's own words, and go to terminals and logs.
    super(message.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_MESSAGE));
    this.cause = cause;
    this.isTimeout = isTimeout;
  }
}

export interface Watch {
  /** Resolves when the watch has ended, whatever the reason. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** A bucket of one connection; what it returns and rejects with is independent of NATS: all errors are StoreErrors. */
export class Bucket {
  readonly #connection: NatsConnection;
  readonly #kv: KV;
  readonly #leader: Leader;
  readonly #name: string;

  private constructor(connection: NatsConnection, kv: KV, leader: Leader, name: string) {
    this.#connection = connection;
    this.#kv = kv;
    this.#leader = leader;
    this.#name = name;
  }

  /** Connects, and opens the bucket; `create` makes it where it is missing, with this number of replicas. */
  static async open(settings: StoreSettings, create?: { readonly replicas: number }): Promise<Bucket> {
    const [{ connect }, { jetstream, jetstreamManager }, { Kvm }, { repairTransport }] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
      import('./transport.js'),
    ]);
    repairTransport();
    const options = await connectionOptions(settings);
    const connection = await connect(options).catch((error: unknown) => {
      throw unreachable(settings, error);
    });
    try {
      const jsOptions = { timeout: REQUEST_MS };
      const kvm = new Kvm(jetstream(connection, jsOptions));
      const { bucket } = settings;
      const kv = create
        ? await kvm.create(bucket, { history: HISTORY, storage: 'file' as never, replicas: create.replicas })
        : await kvm.open(bucket);
      const { streams } = await jetstreamManager(connection, { ...jsOptions, checkAPI: false });
      return new Bucket(connection, kv, streams as Leader, bucket);
    } catch (error) {
      await connection.close();
      throw translated(error, settings.bucket);
    }
  }

  /** HOST:PORT of the server. */
  get server(): string {
    return this.#connection.getServer();
  }

  /** Whether the connection is closed for good. */
  get isClosed(): boolean {
    return this.#connection.isClosed();
  }

  /** Calls back at each change: `down` when the connection is lost, `up` when there is one again. */
  async follow(changed: (state: 'down' | 'up') => void): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') changed('down');
      if (type === 'reconnect') changed('up');
    }
  }

  /** The newest entry of a key. Undefined where there is none. */
  async get(key: string): Promise<Entry | undefined> {
    try {
      const found = await this.#last(key);
      if (found === undefined || isDeleted(found)) return undefined;
      return { revision: found.seq, value: found.data, createdMs: found.time.getTime() };
    } catch (error) {
      throw translated(error, this.#name);
    }
  }

  /** The newest message of a key, which may say that it was deleted. */
  async #last(key: string): Promise<StoredMessage | undefined> {
    const query = { last_by_subj: `$KV.${this.#name}.${key}` };
    return (await this.#leader.getMessage(`KV_${this.#name}`, query)) ?? undefined;
  }

  /** Puts a key's first value, also where one was deleted. Returns the revision. */
  async create(key: string, value: Uint8Array): Promise<number> {
    const exists = 'there is a keyset already';
    try {
      const last = await this.#last(key);
      if (last !== undefined && !isDeleted(last)) throw new StoreError('exists', exists);
      return await this.#kv.put(key, value, { previousSeq: last?.seq ?? 0 });
    } catch (error) {
      throw translated(error, this.#name, new StoreError('exists', exists));
    }
  }

  /** Puts a value where the key's revision is still the one that was read. Returns the new revision. */
  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    return this.#kv.update(key, value, revision).catch((error: unknown) => {
      throw translated(error, this.#name);
    });
  }

  put(key: string, text: string): Promise<number> {
    return this.#kv.put(key, text).catch((error: unknown) => {
      throw translated(error, this.#name);
    });
  }

  /** The entries of a key or pattern now, and each change of them; undefined for a value that was deleted. */
  async watch(pattern: string, took: (key: string, entry: Entry | undefined) => void): Promise<Watch> {
    const entries = await this.#kv.watch({ key: pattern }).catch((error: unknown) => {
      throw translated(error, this.#name);
    });
    const run = async () => {
      for await (const { key, operation, revision, value, created } of entries)
        took(key, operation === 'PUT' ? { revision, value, createdMs: created.getTime() } : undefined);
    };
    return { ended: run().catch(() => {}), stop: () => entries.stop() };
  }

  /** Names of the keys that match a pattern. */
  async keys(pattern: string): Promise<string[]> {
    try {
      const names: string[] = [];
      for await (const name of await this.#kv.keys(pattern)) names.push(name);
      return names;
    } catch (error) {
      throw translated(error, this.#name);
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** Reads of a stream that its leader answers. */
interface Leader {
  getMessage(stream: string, query: { readonly last_by_subj: string }): Promise<StoredMessage | null>;
}

interface StoredMessage {
  readonly seq: number;
  readonly data: Uint8Array;
  readonly time: Date;
  readonly header?: { get(name: string): string };
}

/** What the client connects with. Rejects with a CliError where a file of the settings cannot be used. */
export async function connectionOptions(settings: StoreSettings): Promise<ConnectionOptions> {
  const { servers, credentials, ca, name } = settings;
  return {
    servers: servers.map((server) => server.replace(/^\w+:\/\//, '')),
    name: `frameseal ${name}`,
    // So that a server's permissions can tell the gateways' answers apart.
    inboxPrefix: `_INBOX.${name}`,
    timeout: CONNECT_MS,
    // Refused credentials end the connection at once: opening another one reads the files again, which may have changed.
    maxReconnectAttempts: MAX_RECONNECTS,
    reconnectDelayHandler: () => RECONNECT_MS + Math.random() * RECONNECT_SPREAD_MS,
    pingInterval: PING_MS,
    // With TLS options the client refuses a server that offers none.
    tls: usesTls(settings) ? await tlsOptions(servers, ca) : null,
    ...(credentials !== undefined && (await login(credentials))),
  };
}

/** The client hands them on to tls.connect. */
async function tlsOptions(servers: readonly string[], ca: string | undefined): Promise<TlsOptions> {
  const check = (_: string, certificate: PeerCertificate) => certificateFault(servers, certificate);
  return { checkServerIdentity: check, ...(ca !== undefined && { ca: await readFile(ca, 'ca') }) } as TlsOptions;
}

/**
 * The fault of a certificate that names none of these servers. The client tells TLS names alone, and for an address Node
 * would ask for a certificate of "localhost".
 */
export function certificateFault(servers: readonly string[], certificate: PeerCertificate): Error | undefined {
  const faults = servers.map((server) => checkServerIdentity(hostOf(server), certificate));
  return faults.includes(undefined) ? undefined : faults[0];
}

/** What a credentials file says: the client's options. */
async function login(path: string): Promise<ConnectionOptions> {
  const text = await readFile(path, 'credentials');
  const { credsAuthenticator, nkeyAuthenticator } = await import('@nats-io/transport-node');
  const bytes = new TextEncoder().encode(text);
  if (text.includes('-----BEGIN NATS USER JWT-----')) return { authenticator: credsAuthenticator(bytes) };
  if (/^SU[A-Z2-7]{56}\s*$/.test(text))
    return { authenticator: nkeyAuthenticator(new TextEncoder().encode(text.trim())) };
  try {
    const { user, password } = parseJson(text) as Readonly<Record<string, unknown>>;
    if (typeof user === 'string' && typeof password === 'string') return { user, pass: password };
  } catch {
    // Said below.
  }
  throw new CliError(`${path}: expected credentials of NATS, an nkey seed (SU...), or { "user", "password" }`);
}

async function readFile(path: string, what: string): Promise<string> {
  try {
    return await readSecretFile(path, what === 'ca' ? 'keyless' : 'private');
  } catch (error) {
    throw new CliError(`cannot read ${what} ${path}: ${reason(error)}`);
  }
}

function unreachable(settings: StoreSettings, error: unknown): StoreError {
  const { name, message, code } = error as { name: string; message: string; code?: string };
  const where = settings.servers.join(', ');
  if (/Authorization|Authentication/i.test(`${name} ${message}`))
    return new StoreError('refused', `${where} refuses the credentials: check the file and the server's users`);
  // Without options for TLS the client stumbles over a server that asks for it.
  if (!usesTls(settings) && /tls/i.test(message))
    return new StoreError('refused', `${where} takes TLS alone: write tls:// in servers`);
  if (/certificate|self.signed|issuer|altname|tls/i.test(message))
    return new StoreError(
      'refused',
      `${where}: TLS fails (${message}): check ca, and the names in the server's certificate`,
    );
  return new StoreError(
    'gone',
    `${where} does not answer (${code ?? message}): check the address, and that the server runs`,
  );
}

function isDeleted({ header }: StoredMessage): boolean {
  return Boolean(header?.get('KV-Operation'));
}

/** Codes of JetStream. */
const WRONG_SEQUENCE = [10071, 10164];
const STREAM_NOT_FOUND = 10059;

const CHANGED = 'another operator has changed the entry since it was read';

function translated(error: unknown, bucket: string, conflict = new StoreError('conflict', CHANGED)): unknown {
  if (error instanceof StoreError || !(error instanceof Error)) return error;
  const { name, message, code } = error as Error & { code?: unknown };
  if (WRONG_SEQUENCE.includes(Number(code))) return conflict;
  if (name === 'StreamNotFoundError' || code === STREAM_NOT_FOUND)
    return new StoreError('missing', `the bucket ${bucket} does not exist in the store`);
  if (name === 'PermissionViolationError' || /permissions violation/i.test(message))
    return new StoreError('refused', `the server's permissions refuse it: ${message}`);
  if (/maximum payload|max_payload/i.test(message))
    return new StoreError('too-large', 'the keyset is larger than the server takes (max_payload)');
  if (name === 'JetStreamApiError') return new StoreError('gone', `JetStream refuses it: ${message}`);
  if (name === 'JetStreamNotEnabled')
    return new StoreError('refused', 'the server has no JetStream: set jetstream in its configuration');
  const reasonText = name === 'Error' ? message : name;
  return new StoreError('gone', `the store does not answer (${reasonText})`, name === 'TimeoutError');
}
