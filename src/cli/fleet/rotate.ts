/**
 * A rotation of a fleet, as an operator runs it. Three keysets are put, each in the place of the one that was read:
 *
 *     announce   [ old, new ]                 wait until every gateway that reports has the new key
 *     seal       [ old, new with sealFrom ]   wait until every gateway that reports seals with it
 *     retire     [ new ]                      gateways open with the old key for their grace, then wipe it
 *
 * So no gateway seals with a key that another one lacks, whatever their clocks say.
 */
import { generateKey, generateSalt } from 'frameseal';
import { CliError } from '../terminal.js';
import { type Keyset, type KeysetKey, MAX_KEYS, sealFromMs } from './document.js';
import { type Head, type Operator, pause, type Report } from './operator.js';

export interface RotateOptions {
  readonly leadMs: number;
  /** How long to wait for gateways, in each of the two waits. */
  readonly waitMs: number;
  /** Continues without gateways that do not follow. */
  readonly ifMissing: 'stop' | 'go-on';
  /** A gateway that is no longer to have the keys. */
  readonly revoked?: string;
}

/** What happens in a rotation; `waiting` again and again. */
export type RotateEvent =
  | { readonly type: 'announced'; readonly keyId: number; readonly revision: number }
  | {
      readonly type: 'waiting';
      readonly forWhat: 'key' | 'sealing';
      readonly have: number;
      readonly missing: readonly string[];
      readonly silent: readonly string[];
    }
  | { readonly type: 'without'; readonly missing: readonly string[] }
  | { readonly type: 'scheduled'; readonly keyId: number; readonly revision: number; readonly sealFrom: string }
  | { readonly type: 'retired'; readonly keyId: number; readonly revision: number };

const POLL_MS = 100;
/** How wrong clocks may be. */
const SKEW_MS = 30_000;
const KEY_IDS = 16;

/** A new key for a keyset: the next key id, and mode and context of the keys before. */
function nextKey({ keys }: Keyset): KeysetKey {
  const last = keys.at(-1)!;
  let keyId = last.keyId;
  do keyId = (keyId + 1) % KEY_IDS;
  while (keys.some((key) => key.keyId === keyId));
  const { encryptionMode, context } = last;
  return {
    keyId,
    encryptionMode,
    encryptionKey: generateKey(),
    encryptionKdfSalt: generateSalt(),
    ...(context !== undefined && { context }),
  };
}

/** The key of a rotation that is under way: the last one, while others are listed beside it or it is only announced. */
export function inFlight({ keys }: Keyset): KeysetKey | undefined {
  const last = keys.at(-1)!;
  return keys.length > 1 || last.sealFrom === undefined ? last : undefined;
}

/**
 * The keyset without a gateway or an operator. Throws CliError where there is none of that name, and where another name has
 * the same identity, and so would go on reading.
 */
export function withoutReader(keyset: Keyset, name: string): Keyset {
  const { gateways = {}, operators = {} } = keyset;
  const readers = [...Object.entries(gateways), ...Object.entries(operators)];
  const recipients = readers.filter(([each]) => each === name).map(([, recipient]) => recipient);
  if (recipients.length === 0) {
    const names = readers.map(([each]) => each).join(', ');
    throw new CliError(`no gateway or operator has the name ${name}${names ? `; there are: ${names}` : ''}`);
  }
  const same = readers.find(([each, recipient]) => each !== name && recipients.includes(recipient));
  if (same)
    throw new CliError(
      `${same[0]} has the identity of ${name}, and both would go on reading: give one of them another identity first`,
    );
  const without = (group: Keyset['gateways']) =>
    Object.fromEntries(Object.entries(group!).filter(([each]) => each !== name));
  return { ...keyset, gateways: without(gateways), operators: without(operators) };
}

/** Names of gateways of the keyset that did not report in the last minute. */
export function silentGateways({ gateways = {} }: Keyset, reports: readonly Report[]): string[] {
  const names = Object.keys(gateways);
  const seen = new Set(reports.filter(({ isRecent }) => isRecent).map(({ name }) => gatewayOf(name, names)));
  return names.filter((name) => !seen.has(name));
}

/** Whose identity a report's name uses: that of the gateway of this name, or of NAME where it is `NAME-1`. */
function gatewayOf(report: string, names: readonly string[]): string | undefined {
  const own = names.filter((name) => report === name || report.startsWith(`${name}-`));
  return own.sort((a, b) => b.length - a.length)[0];
}

export class Rotation {
  readonly #operator: Operator;
  readonly #options: RotateOptions;
  readonly #tell: (event: RotateEvent) => void;
  #head: Head;

  constructor(operator: Operator, head: Head, options: RotateOptions, tell: (event: RotateEvent) => void) {
    this.#operator = operator;
    this.#head = head;
    this.#options = options;
    this.#tell = tell;
  }

  /** Begins a rotation. Rejects with a CliError where one is under way. */
  async run(): Promise<Head> {
    const { keyset } = this.#head;
    const pending = inFlight(keyset);
    if (pending !== undefined)
      throw new CliError(
        `a rotation to key id ${pending.keyId} is under way since revision ${this.#head.revision}: wait for the operator who runs it, or finish it with frameseal fleet rotate --resume`,
        1,
      );
    if (keyset.keys.length >= MAX_KEYS) throw new CliError(`the keyset has ${MAX_KEYS} keys, and takes no more`, 1);
    await this.#refuseOldStore();
    const key = nextKey(keyset);
    await this.#put([...keyset.keys, key]);
    this.#tell({ type: 'announced', keyId: key.keyId, revision: this.#head.revision });
    return this.resume();
  }

  /** Goes on with the rotation that is under way. */
  async resume(): Promise<Head> {
    const key = inFlight(this.#head.keyset);
    if (key === undefined) throw new CliError('no rotation is under way: begin one with frameseal fleet rotate', 1);
    const { revision: announced, keyset } = this.#head;
    const { generation = 0 } = keyset;
    // A time that is far away is of an operator whose clock was fast.
    if (key.sealFrom === undefined || sealFromMs(key) > Date.now() + this.#options.leadMs + SKEW_MS) {
      await this.#wait(
        'key',
        this.#options.waitMs,
        (report) =>
          report.keyIds.includes(key.keyId) && report.generation === generation && report.revision >= announced,
      );
      await this.#schedule(key);
    }
    const sealFromInMs = Math.max(0, sealFromMs(this.#head.keyset.keys.at(-1)!) - Date.now());
    await this.#wait('sealing', sealFromInMs + SKEW_MS + this.#options.waitMs, ({ sealing }) => sealing === key.keyId);
    await this.#put([this.#head.keyset.keys.at(-1)!]);
    this.#tell({ type: 'retired', keyId: key.keyId, revision: this.#head.revision });
    return this.#head;
  }

  async #schedule(key: KeysetKey): Promise<void> {
    const latestMs = Date.now() + this.#options.leadMs + SKEW_MS;
    const { keys } = this.#head.keyset;
    const others = keys.slice(0, -1).map((other, i) => {
      if (sealFromMs(other) <= latestMs) return other;
      return { ...other, sealFrom: new Date(Date.now() - keys.length + i).toISOString() };
    });
    // Behind the times of an operator whose clock was fast.
    const fromMs = Math.max(Date.now() + this.#options.leadMs, ...others.map((other) => sealFromMs(other) + 1));
    const sealFrom = new Date(fromMs).toISOString();
    await this.#put([...others, { ...key, sealFrom }]);
    this.#tell({ type: 'scheduled', keyId: key.keyId, revision: this.#head.revision, sealFrom });
  }

  async #put(keys: readonly KeysetKey[]): Promise<void> {
    const keyset = { ...this.#head.keyset, keys };
    this.#head = { keyset, revision: await this.#operator.update(keyset, this.#head) };
  }

  /** Waits until all gateways that reported lately are as they should be. */
  async #wait(forWhat: 'key' | 'sealing', waitMs: number, isThere: (report: Report) => boolean): Promise<void> {
    const deadlineMs = performance.now() + waitMs;
    for (;;) {
      const { waited, silent } = this.#gateways();
      const missing = waited.filter((report) => !isThere(report)).map(({ name }) => name);
      const have = waited.length - missing.length;
      this.#tell({ type: 'waiting', forWhat, have, missing, silent });
      if (missing.length === 0) return;
      if (performance.now() >= deadlineMs) return this.#goOnWithout(missing, forWhat);
      await pause(POLL_MS);
    }
  }

  #goOnWithout(missing: readonly string[], forWhat: 'key' | 'sealing'): void {
    if (this.#options.ifMissing === 'go-on') {
      this.#tell({ type: 'without', missing });
      return;
    }
    const what = forWhat === 'key' ? 'do not have the new key' : 'do not seal with the new key';
    throw new CliError(
      `${missing.join(', ')}: ${what}, and nothing changes until they do: see frameseal fleet status, then go on with frameseal fleet rotate --resume, or without them with --resume --force`,
      1,
    );
  }

  /** `waited`: gateways that reported in the last minute. `silent`: gateways of the keyset that did not. */
  #gateways(): { waited: Report[]; silent: string[] } {
    const { keyset } = this.#head;
    const waited = this.#operator.reports.filter((report) => {
      if (!report.isRecent || this.#isRevoked(report)) return false;
      return (
        report.trouble !== 'unreadable' || gatewayOf(report.name, Object.keys(keyset.gateways ?? {})) !== undefined
      );
    });
    return { waited, silent: silentGateways(keyset, this.#operator.reports) };
  }

  #isRevoked({ name }: Report): boolean {
    const { revoked } = this.#options;
    if (revoked === undefined) return false;
    return gatewayOf(name, [revoked, ...Object.keys(this.#head.keyset.gateways ?? {})]) === revoked;
  }

  /** A store that was set back is behind its gateways: they would take nothing from it. */
  async #refuseOldStore(): Promise<void> {
    const { generation = 0 } = this.#head.keyset;
    const ahead = this.#operator.reports.filter(
      (report) => report.isRecent && !this.#isRevoked(report) && isAhead(report, this.#head),
    );
    if (ahead.length === 0) return;
    const { revision } = await this.#operator.read();
    if (revision !== this.#head.revision)
      throw new CliError(
        `another operator has put revision ${revision} since revision ${this.#head.revision} was read; nothing was put: see frameseal fleet status`,
        1,
      );
    if (this.#options.ifMissing === 'stop')
      throw new CliError(
        `the store was set back: it has revision ${this.#head.revision} of generation ${generation}, and ${ahead.map((report) => `${report.name} has ${report.revision} of ${report.generation}`).join(', ')} and goes on with that. Restore a newer backup, or let them begin anew from what the store has: frameseal fleet rotate --force; packets of the moments in between are lost`,
        1,
      );
    const latest = Math.max(generation, ...ahead.map((report) => report.generation));
    const next = Math.max(1 + latest, Math.floor(Date.now() / 1000));
    this.#head = { ...this.#head, keyset: { ...this.#head.keyset, generation: next } };
  }
}

/** Whether a gateway has a keyset that counts as newer than the store's. */
function isAhead(report: Report, { revision, keyset: { generation = 0 } }: Head): boolean {
  return report.generation > generation || (report.generation === generation && report.revision > revision);
}
