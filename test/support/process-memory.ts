/**
 * Looks for byte strings in another process's memory, through /proc: any number of them, at any address, in one pass.
 * Linux only.
 *
 * The pass looks at aligned words. A byte string has four anchors, one for each address modulo 4 that it may begin at: the
 * word that is aligned then. What can be an anchor is a look-up in a bitmap, so the common case costs little.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Byte strings by name; 8 bytes or more, and not all alike. */
export type Needles = ReadonlyMap<string, Uint8Array>;

const CHUNK_BYTES = 1 << 20;

interface Anchor {
  readonly name: string;
  readonly bytes: Buffer;
  /** Where in it the anchor begins. */
  readonly at: number;
}

const slotOf = (word: number): number => Math.imul(word, 0x9e3779b1) >>> 16;

class Searcher {
  /** Chunks overlap by so much. */
  readonly longest: number;
  readonly #anchors = new Map<number, Anchor[]>();
  readonly #bitmap = new Uint8Array(1 << 16);

  constructor(needles: Needles) {
    this.longest = (Math.max(...[...needles.values()].map(({ length }) => length)) + 7) & ~7;
    for (const [name, needle] of needles) {
      const bytes = Buffer.from(needle);
      for (let alignment = 0; alignment < 4; alignment++) {
        const at = anchorOf(name, bytes, alignment);
        const word = bytes.readInt32LE(at);
        this.#anchors.set(word, [...(this.#anchors.get(word) ?? []), { name, bytes, at }]);
        this.#bitmap[slotOf(word)] = 1;
      }
    }
  }

  /** Adds the names of what is in the first bytes of a chunk. */
  search(chunk: Buffer, words: Int32Array, found: Set<string>): void {
    const bitmap = this.#bitmap;
    const count = chunk.length >>> 2;
    for (let i = 0; i < count; i++) {
      const word = words[i]!;
      if (word === 0 || bitmap[slotOf(word)] === 0) continue;
      for (const { name, bytes, at } of this.#anchors.get(word) ?? []) {
        const start = 4 * i - at;
        if (start >= 0 && chunk.subarray(start, start + bytes.length).equals(bytes)) found.add(name);
      }
    }
  }
}

/** The first word at an offset of this alignment that is not four equal bytes, which are common in any memory. */
function anchorOf(name: string, bytes: Buffer, alignment: number): number {
  for (let at = alignment; at + 4 <= bytes.length; at += 4) {
    if (bytes.subarray(at, at + 4).some((byte) => byte !== bytes[at])) return at;
  }
  throw new RangeError(`${name} is too plain to look for`);
}

/** Names of the needles that are somewhere in a process's writable memory. */
export function findInProcess(pid: number, needles: Needles): string[] {
  const searcher = new Searcher(needles);
  const found = new Set<string>();
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const words = new Int32Array(chunk.buffer, chunk.byteOffset, CHUNK_BYTES / 4);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  for (const [, start, stop] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^(\w+)-(\w+) rw/gm)) {
    const end = Number.parseInt(stop!, 16);
    for (let at = Number.parseInt(start!, 16); at < end; at += CHUNK_BYTES - searcher.longest) {
      const read = readMemory(memory, chunk.subarray(0, Math.min(CHUNK_BYTES, end - at)), at);
      searcher.search(chunk.subarray(0, read), words, found);
    }
  }
  closeSync(memory);
  return [...needles.keys()].filter((name) => found.has(name));
}

/** 0 bytes where the memory has been unmapped since its map was read. */
function readMemory(memory: number, chunk: Buffer, at: number): number {
  try {
    return readSync(memory, chunk, 0, chunk.length, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0;
    throw error;
  }
}
