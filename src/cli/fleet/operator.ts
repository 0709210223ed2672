/** An operator's side of a keyset: reads it, puts a new one where it is still the one that was read, sees who reports. */
import { readSecretFile, reason } from '../secretfile.js';
import { CliError } from '../terminal.js';
import { type AgeKeyPair, decryptWith, encryptTo, NotDecrypted, readIdentity } from './age.js';
import { checkKeyset, isGatewayName, type Keyset, KeysetError, keysetText, readKeyset } from './document.js';
import { Bucket, StoreError, type Watch } from './nats.js';
import type { StoreSettings } from './settings.js';
import { type GatewayStatus, readStatus, STOPPED } from './status.js';

/** Gateways report every 20 s. */
const LATELY_MS = 60_000;
/** How wrong this machine's clock may be, against the server's. */
const SKEW_MS = 30_000;
const FIRST_STATUSES_MS = 5000;
const POLL_MS = 50;
const REFRESH_MS = 5000;
const TRIES = 3;

/** The keyset in the store. */
export interface Head {
  readonly revision: number;
  readonly keyset: Keyset;
}

export interface Report extends GatewayStatus {
  readonly name: string;
  /** By the server's clock. */
  readonly createdMs: number;
  /** Whether it is of the last minute. */
  readonly isRecent: boolean;
}

export class Operator {
  readonly settings: StoreSettings;
  readonly pair: AgeKeyPair;
  readonly #bucket: Bucket;
  readonly #reports = new Map<string, Omit<Report, 'isRecent'>>();
  readonly #seen = new Set<string>();
  #watch: Watch | undefined;
  #refresh: NodeJS.Timeout | undefined;

  private constructor(settings: StoreSettings, pair: AgeKeyPair, bucket: Bucket) {
    this.settings = settings;
    this.pair = pair;
    this.#bucket = bucket;
  }

  /** Connects; `create` makes the bucket. Rejects with a CliError. */
  static async open(settings: StoreSettings, create?: { readonly replicas: number }): Promise<Operator> {
    const pair = await identityIn(settings.identity);
    return explained(async () => new Operator(settings, pair, await again(() => Bucket.open(settings, create))));
  }

  /** The keyset. Rejects with a CliError where there is none, or none that this operator can read. */
  async read(): Promise<Head> {
    const { key, bucket } = this.settings;
    const entry = await explained(() => again(() => this.#bucket.get(key)));
    if (entry === undefined)
      throw new CliError(`the bucket ${bucket} has no keyset ${key}: begin with frameseal fleet init`, 1);
    try {
      return { revision: entry.revision, keyset: readKeyset(await decryptWith(this.pair.key, entry.value)) };
    } catch (error) {
      if (!(error instanceof NotDecrypted || error instanceof KeysetError)) throw error;
      const { recipient } = this.pair;
      const advice =
        error instanceof NotDecrypted && error.isOfOthers
          ? `another operator can add this one: frameseal fleet add-gateway NAME ${recipient} --operator`
          : `see who writes to the bucket, then restore a backup, or start over: nats kv del ${bucket} ${key}, frameseal fleet init, and add-gateway for each`;
      throw new CliError(`the keyset of revision ${entry.revision} cannot be read: ${error.message}; ${advice}`, 1);
    }
  }

  /** Puts the first keyset. Returns its revision. */
  create(keyset: Keyset): Promise<number> {
    return explained(async () => this.#bucket.create(this.settings.key, await this.#encrypted(keyset)));
  }

  /** Puts a keyset in the place of the one that was read. Rejects with a CliError where another operator was faster. */
  async update(keyset: Keyset, { revision }: Head): Promise<number> {
    const value = await this.#encrypted(keyset);
    return explained(() => again(() => this.#put(value, revision)));
  }

  async #put(value: Uint8Array, revision: number): Promise<number> {
    const { key } = this.settings;
    try {
      return await this.#bucket.update(key, value, revision);
    } catch (error) {
      if (!(error instanceof StoreError && error.cause === 'conflict')) throw error;
      // The answer to a put before may have been lost.
      const entry = await this.#bucket.get(key);
      if (entry !== undefined && Buffer.compare(entry.value, value) === 0) return entry.revision;
      throw error;
    }
  }

  /** What gateways report, from now on and kept up to date. */
  async follow(): Promise<void> {
    await explained(async () => {
      const names = await again(() => this.#bucket.keys('status.>'));
      await again(() => this.#watchReports());
      const deadlineMs = performance.now() + FIRST_STATUSES_MS;
      while (!names.every((name) => this.#seen.has(name)) && performance.now() < deadlineMs) await pause(POLL_MS);
    });
    // A watch may die with a server, and tells nothing of that.
    this.#refresh = setInterval(() => void this.#watchReports().catch(() => {}), REFRESH_MS);
  }

  async #watchReports(): Promise<void> {
    const before = this.#watch;
    this.#watch = await this.#bucket.watch('status.>', (key, entry) => {
      const name = key.slice('status.'.length);
      // A user with permission for other keys chooses the name, which goes to a terminal.
      const status = entry && isGatewayName(name) ? readStatus(entry.value) : undefined;
      if (status === undefined) this.#reports.delete(name);
      else if (status.key === this.settings.key)
        this.#reports.set(name, { ...status, name, createdMs: entry!.createdMs });
      this.#seen.add(key);
    });
    before?.stop();
  }

  /** All reports, by name. Lately is judged by the server's clock: this machine's may be wrong. */
  get reports(): Report[] {
    const all = [...this.#reports.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const nowMs = Math.max(Date.now() - SKEW_MS, ...all.map(({ createdMs }) => createdMs));
    return all.map((report) => ({
      ...report,
      isRecent: report.createdMs >= nowMs - LATELY_MS && report.trouble !== STOPPED,
    }));
  }

  async close(): Promise<void> {
    clearInterval(this.#refresh);
    this.#watch?.stop();
    await this.#bucket.close();
  }

  async #encrypted(keyset: Keyset): Promise<Uint8Array> {
    checkKeyset(keyset);
    const { gateways = {}, operators = {} } = keyset;
    const recipients = [this.pair.recipient, ...Object.values(operators), ...Object.values(gateways)];
    return encryptTo(recipients, keysetText(keyset));
  }
}

export async function identityIn(file: string): Promise<AgeKeyPair> {
  let text: string;
  try {
    text = await readSecretFile(file, 'private');
  } catch (error) {
    throw new CliError(
      `cannot read the identity ${file}: ${reason(error)}; make one with: frameseal fleet keygen --out ${file}`,
    );
  }
  try {
    return await readIdentity(text);
  } catch (error) {
    throw new CliError(`cannot use the identity ${file}: ${(error as Error).message}`);
  }
}

const ADVICE: Readonly<Partial<Record<StoreError['cause'], string>>> = {
  conflict: '; nothing was put: see what there is with frameseal fleet status, and try again',
  exists: ': frameseal fleet rotate gives it a new key',
  missing: ': begin with frameseal fleet init',
  'too-large': ': let gateways of one place share an identity, or raise max_payload of the servers',
};

/** Tries again where a request was lost: servers of a cluster may be changing places. */
async function again<Value>(action: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof StoreError && error.isTimeout) || tries === TRIES) throw error;
    }
  }
}

async function explained<Value>(action: () => Promise<Value>): Promise<Value> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new CliError(`${error.message}${ADVICE[error.cause] ?? ''}`, 1);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
