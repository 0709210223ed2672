/** Inputs on disk: seeds, which are committed and replayed by a test, and the corpus, from which the next run continues. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './fuzzer.js';

/** An input that once broke an invariant: fixtures/seeds/README.md. */
export interface Seed {
  readonly target: string;
  readonly invariant: string;
  /** Hex. */
  readonly input: string;
}

function jsonFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name.endsWith('.json'));
}

const nameOf = (input: Uint8Array): string => createHash('sha256').update(input).digest('hex').slice(0, 12);

export function readSeeds(folder: string): Seed[] {
  return jsonFiles(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Seed);
}

/** Writes a finding as a seed; returns its path. */
export function writeSeed(folder: string, { target, invariant, input }: Finding): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${target}-${nameOf(input)}.json`);
  const seed: Seed = { target, invariant, input: Buffer.from(input).toString('hex') };
  writeFileSync(path, `${JSON.stringify(seed, null, 2)}\n`);
  return path;
}

/** The corpus of a target from the run before; empty where there is none. */
export function readCorpus(folder: string, target: string): Uint8Array[] {
  const path = join(folder, `${target}.json`);
  if (!existsSync(path)) return [];
  return (JSON.parse(readFileSync(path, 'utf8')) as string[]).map((hex) => Buffer.from(hex, 'hex'));
}

export function writeCorpus(folder: string, target: string, corpus: readonly Uint8Array[]): void {
  mkdirSync(folder, { recursive: true });
  const lines = corpus.map((input) => Buffer.from(input).toString('hex'));
  writeFileSync(join(folder, `${target}.json`), `${JSON.stringify(lines, null, 0)}\n`);
}
