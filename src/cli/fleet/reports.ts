/** A gateway's reports to the store, for operators: at each change, every 20 s, and when it ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bucket, StoreError } from './nats.js';
import { type Known, sealingKey } from './rotation.js';
import type { StoreSettings } from './settings.js';
import { STOPPED, statusText } from './status.js';

const HEARTBEAT_MS = 20_000;
const FAREWELL_MS = 500;

export class StatusReports {
  readonly #settings: StoreSettings;
  readonly #refused: (message: string) => void;
  #sentMs = 0;
  #isRefused = false;

  /** `refused`: called once where the server's permissions forbid reports. */
  constructor(settings: StoreSettings, refused: (message: string) => void) {
    this.#settings = settings;
    this.#refused = refused;
  }

  get isDue(): boolean {
    return Date.now() - this.#sentMs > HEARTBEAT_MS;
  }

  /** Writes what this gateway has. A store that is away gets it later. */
  async send(bucket: Bucket, known: Known, trouble: string | undefined): Promise<void> {
    const { name } = this.#settings;
    this.#sentMs = Date.now();
    try {
      await bucket.put(`status.${name}`, this.#text(known, trouble));
      this.#isRefused = false;
    } catch (error) {
      const isRefused = error instanceof StoreError && error.cause === 'refused';
      if (!isRefused) this.#sentMs = 0;
      else if (!this.#isRefused)
        this.#refused(`status.${name} cannot be written, so operators do not see this gateway: ${error.message}`);
      this.#isRefused = isRefused;
    }
  }

  /** So that no operator waits for a gateway that has ended on purpose. */
  async farewell(bucket: Bucket, known: Known): Promise<void> {
    const put = bucket.put(`status.${this.#settings.name}`, this.#text(known, STOPPED)).catch(() => {});
    await Promise.race([put, sleep(FAREWELL_MS, undefined, { ref: false })]);
  }

  #text(known: Known, trouble: string | undefined): string {
    const { revision, generation, live } = known;
    return statusText({
      key: this.#settings.key,
      revision,
      generation,
      keyIds: live.filter(({ endsAtMs }) => endsAtMs === undefined).map(({ key }) => key.keyId),
      sealing: sealingKey(known).keyId,
      time: new Date().toISOString(),
      ...(trouble !== undefined && { trouble }),
    });
  }
}
