/** Warnings of a gateway: each cause is reported once, since a cause as a rule meets every packet. */

export class Warnings {
  readonly #warn: ((message: string) => void) | undefined;
  readonly #reported = new Set<string>();

  /** `warn`: where messages go; nowhere if left out. */
  constructor(warn?: (message: string) => void) {
    this.#warn = warn;
  }

  /** Reports the message unless its cause was reported before. */
  once(cause: string, message: string): void {
    if (this.#reported.has(cause)) return;
    this.#reported.add(cause);
    this.#warn?.(message);
  }
}
