/** What was measured: rows of a value per slice and contestant, told as medians. */

/** The value below which that share of them lies. */
export function at(ascending: ArrayLike<number>, share: number): number {
  return ascending[Math.round(share * (ascending.length - 1))]!;
}

export class Rows {
  readonly #title: string;
  readonly #rows = new Map<string, { unit: string; contestants: Map<string, number[]> }>();

  constructor(title: string) {
    this.#title = title;
  }

  note(row: string, unit: string, contestant: string, value: number): void {
    const { contestants } = getOr(this.#rows, row, () => ({ unit, contestants: new Map<string, number[]>() }));
    getOr(contestants, contestant, () => []).push(value);
  }

  /** A line a row: medians with their quartiles, and for costs the median of the ratios new/base, slice by slice. */
  asText(): string {
    const lines = [...this.#rows].map(([row, { unit, contestants }]) => {
      const columns = [...contestants].map(([name, all]) => {
        const [low, middle, high] = quartiles(all);
        return `${name.padStart(6)}${short(middle).padStart(8)} ${`(${short(low)} to ${short(high)})`.padEnd(18)}`;
      });
      const ratio = unit.includes('packet') ? ratios(contestants) : [];
      const told = ratio.length > 0 ? `  ${quartiles(ratio)[1].toFixed(2)}x` : '';
      return `${row.padEnd(42)}${columns.join('')}${unit}${told}`;
    });
    return `${this.#title}, Node ${process.versions.node}; medians (and quartiles)\n${lines.join('\n')}\n`;
  }

  asJson(): string {
    const flat = [...this.#rows].flatMap(([row, { unit, contestants }]) =>
      [...contestants].map(([contestant, all]) => {
        const [low, value, high] = quartiles(all);
        return { name: `${this.#title}, ${row}: ${contestant}`, unit, value, range: `${short(low)} to ${short(high)}` };
      }),
    );
    return `${JSON.stringify(flat, null, 1)}\n`;
  }
}

function ratios(contestants: ReadonlyMap<string, readonly number[]>): number[] {
  const base = contestants.get('base');
  return base ? contestants.get('new')!.map((value, i) => value / base[i]!) : [];
}

function quartiles(values: readonly number[]): [low: number, middle: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  return [at(sorted, 0.25), at(sorted, 0.5), at(sorted, 0.75)];
}

/** With a digit behind the point where it is small. */
function short(value: number): string {
  return Math.abs(value) < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  if (!map.has(key)) map.set(key, make());
  return map.get(key)!;
}
