/** Options that are numbers, read once each; the caller has checked the names (checks.ts). */
import { kindOf } from './bytes.js';
import { own } from './checks.js';
import { MAX_WINDOW, MIN_WINDOW } from './replay.js';

const DEFAULT_WINDOW = 1024;

/** An integer from `least` to `most`; `fallback` where it is left out. Throws TypeError or RangeError. */
export function integerOption<Name extends string>(
  options: { [name in Name]?: number | undefined },
  name: Name,
  fallback: number,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value: unknown = own(options, name);
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${kindOf(value)}`);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be an integer from ${least} to ${most}, got ${value}`);
  }
  return value;
}

/** The size of a replay window: a power of two. */
export function windowOption(options: { replayWindow?: number | undefined }): number {
  const size = integerOption(options, 'replayWindow', DEFAULT_WINDOW, { least: MIN_WINDOW, most: MAX_WINDOW });
  if ((size & (size - 1)) !== 0) throw new RangeError(`replayWindow must be a power of two, got ${size}`);
  return size;
}
