/**
 * SRTP sides (FORMAT.md section 8): the two shapes of protection.ts over `frameseal/srtp`, and keys from files.
 *
 * A sender is made once for a key and lives as long as the process: a second one would repeat nonces.
 */
import { isRtcp, keysFromSdes, type SrtpKeys, SrtpReceiver, type SrtpSender } from 'frameseal/srtp';
import { CliError } from '../terminal.js';
import type { Protector, Unprotector } from './protection.js';

export class SrtpUnprotector implements Unprotector {
  readonly #receiver: SrtpReceiver;
  readonly lastSender = '';

  constructor(keys: SrtpKeys) {
    this.#receiver = new SrtpReceiver(keys);
  }

  get senders(): number {
    return this.#receiver.stats.streams;
  }

  unprotect(packets: Uint8Array[], results: Int32Array, count: number): void {
    if (!packets.some((packet, i) => i < count && isRtcp(packet))) {
      this.#receiver.unprotectBatch(packets, packets, results, count);
      return;
    }
    for (let i = 0; i < count; i++) {
      const packet = packets[i]!;
      results[i] = isRtcp(packet)
        ? this.#receiver.unprotectRtcp(packet, packet)
        : this.#receiver.unprotect(packet, packet);
    }
  }

  close(): void {
    this.#receiver.close();
  }
}

/** `close` leaves the sender as it is: it belongs to the process. */
export class SrtpProtector implements Protector {
  readonly overhead: number;
  readonly sealers = 0;
  readonly #sender: SrtpSender;

  constructor(sender: SrtpSender) {
    this.#sender = sender;
    this.overhead = Math.max(sender.overhead, sender.rtcpOverhead);
  }

  protect(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void {
    if (!inputs.some((packet, i) => i < count && isRtcp(packet))) {
      this.#sender.protectBatch(inputs, outs, results, count);
      return;
    }
    for (let i = 0; i < count; i++) {
      const packet = inputs[i]!;
      results[i] = isRtcp(packet) ? this.#sender.protectRtcp(packet, outs[i]!) : this.#sender.protect(packet, outs[i]!);
    }
  }

  close(): void {}
}

/** Keys of a file: `{ suite, masterKey, masterSalt }` in hex or Base64, or `{ sdes }`. Throws ConfigError or CliError. */
export function srtpKeysOf(value: unknown): SrtpKeys {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new CliError('expected an object');
  const fields = new Map(Object.entries(value));
  const isLine = fields.has('sdes');
  const known = isLine ? ['sdes'] : ['suite', 'masterKey', 'masterSalt'];
  for (const name of fields.keys()) if (!known.includes(name)) throw new CliError(`no such field: ${shown(name)}`);
  if (isLine) {
    const line = fields.get('sdes');
    if (typeof line !== 'string') throw new CliError('sdes: expected the text of a crypto line');
    return keysFromSdes(line);
  }
  const keys = {
    suite: fields.get('suite') as SrtpKeys['suite'],
    masterKey: bytesOf('masterKey', fields.get('masterKey')),
    masterSalt: bytesOf('masterSalt', fields.get('masterSalt')),
  };
  // The constructor checks suite and lengths.
  new SrtpReceiver(keys).close();
  return keys;
}

function bytesOf(field: string, value: unknown): Uint8Array {
  if (typeof value === 'string') {
    if (/^([0-9a-fA-F]{2})+$/.test(value)) return Buffer.from(value, 'hex');
    if (/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value) && value !== '')
      return Buffer.from(value, 'base64');
  }
  throw new CliError(`${field}: expected bytes as hex digits or Base64`);
}

/** A name of a field that cannot be a key in the wrong place. */
function shown(name: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]{0,19}$/.test(name) ? name : `one of ${name.length} characters`;
}
