/** What turns one module into another that is like it: for edits.ts. */
import type { Edit } from '../edits.js';

/** So many equal bytes end an edit. */
const LEAST_EQUAL = 24;

/** Edits that turn `from` into `to`. */
export function editsBetween(from: Uint8Array, to: Uint8Array): Edit[] {
  const edits: Edit[] = [];
  let [a, b, kept] = [0, 0, 0];
  while (a < from.length || b < to.length) {
    if (a < from.length && from[a] === to[b]) {
      a++;
      b++;
      kept++;
      continue;
    }
    const [skip, insert] = nextEqual(from, a, to, b);
    edits.push([kept, skip, to.slice(b, b + insert)]);
    a += skip;
    b += insert;
    kept = 0;
  }
  return edits;
}

/** How many bytes on both sides differ before they are equal for a while, or end. */
function nextEqual(from: Uint8Array, a: number, to: Uint8Array, b: number): [skip: number, insert: number] {
  const most = from.length - a + to.length - b;
  for (let distance = 1; distance < most; distance++) {
    for (let skip = Math.max(0, distance - (to.length - b)); skip <= distance && a + skip < from.length; skip++) {
      if (equalFor(from, a + skip, to, b + distance - skip)) return [skip, distance - skip];
    }
  }
  return [from.length - a, to.length - b];
}

function equalFor(from: Uint8Array, a: number, to: Uint8Array, b: number): boolean {
  for (let i = 0; i < LEAST_EQUAL; i++) if (from[a + i] === undefined || from[a + i] !== to[b + i]) return false;
  return true;
}
