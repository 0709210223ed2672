/** Who may send to a side: addresses and prefixes, or the address of its peer. The verdict of an address is kept. */
import { BlockList } from 'node:net';
import { addPrefix, familyOf, plainAddress } from './config/addresses.js';

/** Verdicts that are kept. A flood of made-up addresses costs time, not memory. */
const MAX_VERDICTS = 1024;

export class Sources {
  /** Undefined: anybody. */
  #list: BlockList | undefined;
  #names: readonly string[];
  readonly #verdicts = new Map<string, boolean>();
  /** The newest address with each verdict: most packets come from one of them. */
  #lastAllowed = '';
  #lastRefused = '';

  /** `from`: as in the model; [`any`] lets anybody send. */
  constructor(from: readonly string[]) {
    this.#names = from;
    this.allow(from);
  }

  /** Addresses and prefixes, for people. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Allows these instead. */
  allow(from: readonly string[]): void {
    this.#names = from;
    this.#verdicts.clear();
    this.#lastAllowed = '';
    this.#lastRefused = '';
    this.#list = undefined;
    if (from.includes('any')) return;
    this.#list = new BlockList();
    for (const prefix of from) addPrefix(this.#list, prefix);
  }

  /** Whether a packet from the address is taken. */
  allows(address: string): boolean {
    if (address === this.#lastAllowed) return true;
    if (address === this.#lastRefused) return false;
    const isAllowed = this.#verdicts.get(address) ?? this.#judge(address);
    if (isAllowed) this.#lastAllowed = address;
    else this.#lastRefused = address;
    return isAllowed;
  }

  #judge(address: string): boolean {
    const plain = plainAddress(address);
    const isAllowed = this.#list === undefined || this.#list.check(plain, familyOf(plain));
    if (this.#verdicts.size === MAX_VERDICTS) this.#verdicts.clear();
    this.#verdicts.set(address, isAllowed);
    return isAllowed;
  }
}

/** What is wrong with addresses and prefixes, or undefined. */
export function sourcesFault(from: readonly string[]): string | undefined {
  const list = new BlockList();
  return from
    .filter((each) => each !== 'any')
    .map((each) => addPrefix(list, each))
    .find((fault) => fault !== undefined);
}
