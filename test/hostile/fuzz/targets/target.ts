/** What a target is. */

/** One thing to fuzz. */
export interface Target {
  readonly name: string;
  /** The longest input. */
  readonly maxBytes: number;
  /** Inputs to begin with. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Runs one input: the same input does the same each time. Returns in a word or two how it ended (a small number of
   * different ones: a new one is worth keeping); throws a Violation, or whatever the code throws.
   */
  run(input: Uint8Array): string;
}
