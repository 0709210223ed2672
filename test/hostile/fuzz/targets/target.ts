/** The interface of a target. */

/** A subject of fuzzing. */
export interface Target {
  readonly name: string;
  /** The longest input. */
  readonly maxBytes: number;
  /** First inputs. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Runs one input: the same input does the same each time. Returns in a word or two how it ended (a small number of
   * different ones: a new one is worth keeping); throws a Violation, or what the code throws.
   */
  run(input: Uint8Array): string;
}
