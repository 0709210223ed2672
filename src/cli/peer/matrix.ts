/** The matrix of what agrees: a row for each operation, mode and framing. */
import type { Row } from './question.js';

export type Verdict = 'agree' | 'differ' | 'unsupported';

export type MatrixRow = Row & Record<Verdict, number>;

/** The order of the rows. */
const OPERATIONS = 'derive seal open refuse altered truncated replayed sm4 gcm hkdf header sframe'.split(' ');

export class Matrix {
  readonly #rows = new Map<string, MatrixRow>();
  readonly #totals: Record<Verdict, number> = { agree: 0, differ: 0, unsupported: 0 };

  add(row: Row, verdict: Verdict): void {
    const name = rowName(row);
    let counted = this.#rows.get(name);
    if (counted === undefined) {
      counted = { ...row, agree: 0, differ: 0, unsupported: 0 };
      this.#rows.set(name, counted);
    }
    counted[verdict]++;
    this.#totals[verdict]++;
  }

  get totals(): Readonly<Record<Verdict, number>> {
    return this.#totals;
  }

  rows(): MatrixRow[] {
    const order = ({ operation }: Row) => OPERATIONS.indexOf(operation);
    return [...this.#rows.values()].sort((a, b) => order(a) - order(b) || rowName(a).localeCompare(rowName(b), 'en'));
  }
}

/** A row's name for people: `seal AES_128_GCM2 rtp`. */
export function rowName({ operation, mode, framing }: Row): string {
  return [operation, mode, framing].filter((part) => part !== '').join(' ');
}
