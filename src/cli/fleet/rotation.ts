/**
 * What a gateway does with the keysets that it reads: a pure function of what it knows, of a reading of the store, and of
 * two clocks. No sockets, no timers, no keys of its own.
 *
 *     reading, older than what is known   -> kept as it is, alarm
 *     reading, newer                      -> its keys are listed; keys that are listed no longer have a time to end
 *     time                                -> the sealing key changes, keys end
 *
 * Rules: a gateway opens with every listed key, and for a while with keys that were listed. Only a listed key seals:
 * the one with the latest sealFrom that has come. A key that has ended never comes back. Sealing does not go back to an
 * earlier key because a clock was set back.
 */
import { identityOf, type Keyset, type KeysetKey, MAX_KEYS, sealFromMs } from './document.js';

/** A keyset as it was read from the store. */
export interface Reading {
  readonly revision: number;
  /** A hash of the stored value: of two values with one revision, one is no successor of what was known. */
  readonly digest: string;
  readonly keyset: Keyset;
}

/** Wall clock for `sealFrom`, in milliseconds since the epoch; monotonic clock for the ends of keys. */
export interface Clocks {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** A key that opens. */
interface LiveKey {
  readonly id: string;
  readonly key: KeysetKey;
  /** On the monotonic clock; undefined while the key is listed. */
  readonly endsAtMs?: number;
}

export interface Known {
  readonly generation: number;
  readonly revision: number;
  readonly digest: string;
  readonly live: readonly LiveKey[];
  /** Identity of the sealing key. */
  readonly sealing: string;
  /** Identities of keys that have ended. */
  readonly ended: readonly string[];
}

/** What a gateway keeps across restarts, beside the value. */
export interface Memory {
  readonly sealing: string;
  /** Identities of the keys that opened, and of those that had ended. */
  readonly live: readonly string[];
  readonly ended: readonly string[];
}

export type AlarmCause = 'rolled-back' | 'rewritten' | 'ended-key' | 'other-kind' | 'cut-short';

interface Alarm {
  readonly cause: AlarmCause;
  readonly message: string;
}

export interface Step {
  /** Undefined until a keyset was taken. */
  readonly known: Known | undefined;
  readonly alarms: readonly Alarm[];
  /** Milliseconds until time alone changes something. */
  readonly nextMs: number;
}

const MAX_ENDED = 4096;

/** The next state. `graceMs`: how long a key opens after it is no longer listed. */
export function advance(
  known: Known | undefined,
  reading: Reading | undefined,
  { wallMs, monotonicMs }: Clocks,
  graceMs: number,
): Step {
  const alarms: Alarm[] = [];
  let next = known;
  if (reading !== undefined) next = take(known, reading, { endsAtMs: monotonicMs + graceMs, alarms });
  if (next === undefined) return { known: undefined, alarms, nextMs: Number.POSITIVE_INFINITY };
  next = withoutEnded(next, monotonicMs);
  next = { ...next, sealing: sealingOf(next, wallMs) };
  return { known: next, alarms, nextMs: untilNext(next, wallMs, monotonicMs) };
}

/** What a gateway knew before it was restarted. Keys that the keyset does not list have ended meanwhile. */
export function recall({ revision, digest, keyset }: Reading, memory: Memory): Known {
  const listed = keyset.keys.map((key) => ({ id: identityOf(key), key }));
  const live = listed.filter(({ id }) => !memory.ended.includes(id));
  const gone = memory.live.filter((id) => !live.some((key) => key.id === id));
  return {
    generation: keyset.generation ?? 0,
    revision,
    digest,
    live,
    sealing: memory.sealing,
    ended: [...memory.ended, ...gone],
  };
}

export function memoryOf({ sealing, live, ended }: Known): Memory {
  return { sealing, live: live.map(({ id }) => id), ended };
}

/** The key that seals. */
export function sealingKey({ live, sealing }: Known): KeysetKey {
  return live.find(({ id }) => id === sealing)!.key;
}

interface Taking {
  readonly endsAtMs: number;
  readonly alarms: Alarm[];
}

function take(known: Known | undefined, reading: Reading, { endsAtMs, alarms }: Taking): Known | undefined {
  const { revision, digest, keyset } = reading;
  const generation = keyset.generation ?? 0;
  const alarm = (cause: AlarmCause, message: string) => void alarms.push({ cause, message });
  if (known !== undefined) {
    const isOlder = generation < known.generation || (generation === known.generation && revision < known.revision);
    if (isOlder) {
      const [theirs, ours] =
        generation < known.generation
          ? [`generation ${generation}`, `generation ${known.generation}`]
          : [`revision ${revision}`, `revision ${known.revision}`];
      alarm('rolled-back', `the store was set back: it has ${theirs}, and ${ours} is in use`);
      return known;
    }
    if (generation === known.generation && revision === known.revision) {
      if (digest !== known.digest)
        alarm('rewritten', `the store has another keyset under revision ${revision}, which is in use`);
      return known;
    }
    if (!isSameKind(known, keyset)) {
      alarm(
        'other-kind',
        'the keyset has another mode or context: a channel keeps both, so make another keyset for it',
      );
      return known;
    }
  }
  const ended = new Set(known?.ended);
  const listed = keyset.keys.map((key) => ({ id: identityOf(key), key })).filter(({ id }) => !ended.has(id));
  if (listed.length < keyset.keys.length) {
    const back = keyset.keys.filter((key) => ended.has(identityOf(key))).map(({ keyId }) => keyId);
    alarm('ended-key', `the keyset lists a key that has ended, which is not taken again: keyId ${back.join(', ')}`);
    if (listed.length === 0) return known;
  }
  const leaving = (known?.live ?? [])
    .filter(({ id }) => !listed.some((key) => key.id === id))
    .map((key) => ({ ...key, endsAtMs: key.endsAtMs ?? endsAtMs }));
  const stay = room(listed, leaving);
  const cut = leaving.filter((key) => !stay.includes(key));
  if (cut.length > 0)
    alarm(
      'cut-short',
      `a key ends at once, to make room for a new one: keyId ${cut.map(({ key }) => key.keyId).join(', ')}`,
    );
  return {
    generation,
    revision,
    digest,
    live: [...listed, ...stay],
    sealing: known?.sealing ?? '',
    ended: remember([...ended], cut),
  };
}

/** Those of the leaving keys for which there is room: other key ids than the listed ones, and those that end last. */
function room(listed: readonly LiveKey[], leaving: readonly LiveKey[]): LiveKey[] {
  return leaving
    .filter(({ key }) => !listed.some((other) => other.key.keyId === key.keyId))
    .sort((a, b) => b.endsAtMs! - a.endsAtMs!)
    .slice(0, MAX_KEYS - listed.length);
}

function isSameKind({ live }: Known, { keys }: Keyset): boolean {
  const [ours, theirs] = [live[0]!.key, keys[0]!];
  return ours.encryptionMode === theirs.encryptionMode && ours.context === theirs.context;
}

function withoutEnded(known: Known, monotonicMs: number): Known {
  const ends = known.live.filter(({ endsAtMs }) => endsAtMs !== undefined && endsAtMs <= monotonicMs);
  if (ends.length === 0) return known;
  return {
    ...known,
    live: known.live.filter((key) => !ends.includes(key)),
    ended: remember(known.ended, ends),
  };
}

function remember(ended: readonly string[], more: readonly LiveKey[]): string[] {
  return [...ended, ...more.map(({ id }) => id)].slice(-MAX_ENDED);
}

/**
 * The listed key that seals: of those that have begun, the latest. A key that seals has begun whatever the clock says. Where none
 * has begun (this clock is slow), the first listed key: the oldest, which most gateways have.
 */
function sealingOf({ live, sealing }: Known, wallMs: number): string {
  const listed = live.filter(({ endsAtMs }) => endsAtMs === undefined);
  let latest: LiveKey | undefined;
  for (const each of listed) {
    const hasBegun = each.id === sealing || (each.key.sealFrom !== undefined && sealFromMs(each.key) <= wallMs);
    if (hasBegun && (latest === undefined || sealFromMs(each.key) > sealFromMs(latest.key))) latest = each;
  }
  return (latest ?? listed[0]!).id;
}

function untilNext({ live, sealing }: Known, wallMs: number, monotonicMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { id, key, endsAtMs } of live) {
    if (endsAtMs !== undefined) nextMs = Math.min(nextMs, endsAtMs - monotonicMs);
    else if (id !== sealing && sealFromMs(key) > wallMs) nextMs = Math.min(nextMs, sealFromMs(key) - wallMs);
  }
  return nextMs;
}
