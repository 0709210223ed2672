/** The table at the end of `npm run test:platforms`. */

const COLUMNS = ['platform', "'auto'", "'simd'", 'vectors', 'assertions', 'senders in threads', 'seconds', ''];
/** These hold names; the others numbers. */
const TEXTS = new Set([0, 1, 2, 7]);

/** Lines of text, a row each. */
export function tableOf(rows) {
  const lines = rows.map(({ name, observed, seconds, differences }) => [
    name,
    ...['auto', 'simd', 'cases', 'assertions', 'senders'].map((key) => show(observed[key])),
    seconds.toFixed(1),
    differences.length === 0 ? 'ok' : 'WRONG',
  ]);
  const widths = COLUMNS.map((title, i) =>
    Math.max(...[title, ...lines.map((line) => line[i])].map((text) => text.length)),
  );
  const pad = (text, i) => (TEXTS.has(i) ? text.padEnd(widths[i]) : text.padStart(widths[i]));
  return [COLUMNS, ...lines].map((line) => line.map(pad).join('  ').trimEnd());
}

function show(value) {
  if (value === undefined) return '-';
  return typeof value === 'number' ? value.toLocaleString('en') : value;
}
