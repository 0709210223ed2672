/**
 * Real processes that seal on one channel at once, each killed in the middle (SIGKILL) and replaced by another with the
 * same configuration: their frames on the wire, and whether a nonce was used twice.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type EncryptionConfig, enableEncryption, generateKey, generateSalt, type Opener } from 'frameseal';
import { spawnNode } from '../../../src/cli/children.js';
import { Ledger, readName } from '../ledger.js';

const SCRIPT = fileURLToPath(new URL('../../../test/hostile/nonces/sealing-process.mjs', import.meta.url));
const CIPHERTEXT_BYTES = 16;
/** How often each process is started. */
const LIVES = 2;

export interface ProcessesOptions {
  /** Processes at once. */
  readonly processes: number;
  /** Frames in all. */
  readonly frames: number;
  onProgress?(frames: number): void;
}

export interface ProcessesReport {
  readonly ledger: Ledger;
  /** Different ciphertexts of the one payload: as many as there were keys and nonces. */
  readonly ciphertexts: number;
  /** Frames that an opener opened. */
  readonly opened: number;
  readonly killed: number;
}

export async function runProcesses(options: ProcessesOptions): Promise<ProcessesReport> {
  const { processes, frames } = options;
  const config = {
    encryptionMode: 'AES_128_GCM2',
    encryptionKey: generateKey(),
    encryptionKdfSalt: generateSalt(),
  };
  const wire = new Wire(config, options.onProgress);
  const shares = split(frames, processes * LIVES);
  for (let life = 0; life < LIVES; life++) {
    const starting = shares.slice(life * processes, (life + 1) * processes).map((share) => SealingProcess.start(share));
    const running = await Promise.all(starting);
    await Promise.all(running.map((one) => one.run(config, wire)));
  }
  return { ledger: wire.ledger, ciphertexts: wire.ciphertexts.size, opened: wire.opened, killed: processes * LIVES };
}

/** `total` in `parts` that differ by one at most. */
function split(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor((total + i) / parts));
}

/** The frames of all processes. */
class Wire {
  readonly ledger: Ledger = new Ledger();
  readonly ciphertexts: Set<string> = new Set();
  opened = 0;
  readonly #opener: Opener;
  readonly #out = new Uint8Array(CIPHERTEXT_BYTES);
  readonly #onProgress: ((frames: number) => void) | undefined;

  constructor(config: EncryptionConfig, onProgress: ((frames: number) => void) | undefined) {
    this.#opener = enableEncryption(config, { framing: 'frame', maxSenders: 65_536 }).createOpener();
    this.#onProgress = onProgress;
  }

  take(frame: Buffer): void {
    const name = readName(frame);
    this.ledger.note(name);
    this.ciphertexts.add(frame.toString('latin1', name.end, name.end + CIPHERTEXT_BYTES));
    if (this.#opener.open(frame, this.#out) === CIPHERTEXT_BYTES) this.opened++;
    this.#onProgress?.(this.ledger.frames);
  }
}

class SealingProcess {
  readonly #child: ChildProcess;
  /** Frames until the process is killed. */
  #share: number;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(child: ChildProcess, share: number) {
    this.#child = child;
    this.#share = share;
  }

  static async start(share: number): Promise<SealingProcess> {
    const child = spawnNode([SCRIPT], ['ignore', 'pipe', 'inherit', 'ipc']);
    await once(child, 'message');
    return new SealingProcess(child, share);
  }

  /** Lets the process seal its share, and kills it. */
  async run(config: EncryptionConfig, wire: Wire): Promise<void> {
    const { stdout } = this.#child;
    const ended = once(this.#child, 'exit');
    this.#child.send(config);
    for await (const data of stdout!) {
      this.#take(data, wire);
      if (this.#share > 0) continue;
      this.#child.kill('SIGKILL');
      break;
    }
    if (this.#share > 0) throw new Error('a process ended by itself');
    await ended;
  }

  #take(data: Buffer, wire: Wire): void {
    const all = Buffer.concat([this.#rest, data]);
    let at = 0;
    while (this.#share > 0 && at < all.length && at + 1 + all[at]! <= all.length) {
      wire.take(all.subarray(at + 1, at + 1 + all[at]!));
      at += 1 + all[at]!;
      this.#share--;
    }
    this.#rest = all.subarray(at);
  }
}
