/** Minimises an input that breaks an invariant: removes pieces while the invariant still breaks, then sets bytes to 0. */

const MOST_RUNS = 3000;

export function minimise(input: Uint8Array, breaks: (input: Uint8Array) => boolean): Uint8Array {
  let smallest = input;
  let runs = 0;
  const take = (candidate: Uint8Array): boolean => {
    if (runs++ >= MOST_RUNS || !breaks(candidate)) return false;
    smallest = candidate;
    return true;
  };
  for (let piece = Math.ceil(input.length / 2); piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
    for (let at = 0; at < smallest.length; ) {
      if (!take(Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + piece)]))) at += piece;
    }
  }
  for (let at = 0; at < smallest.length; at++) {
    if (smallest[at] !== 0) take(smallest.map((byte, i) => (i === at ? 0 : byte)));
  }
  return smallest;
}
