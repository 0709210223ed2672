/** A chart as SVG: lines on logarithmic axes. Colours are classes, so that its style has light and dark ones. */

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

interface LineChart {
  readonly title: string;
  /** Said under the title. */
  readonly note: string;
  readonly series: readonly Series[];
  /** Marks of the x axis, and their labels. */
  readonly ticks: readonly { readonly x: number; readonly text: string }[];
  readonly xTitle: string;
  readonly yTitle: string;
}

const WIDTH = 760;
const PLOT_HEIGHT = 304;
const LEFT = 64;
const RIGHT = 190;
const TITLE_BOTTOM = 16;
const NOTE_LINE_HEIGHT = 15;
const NOTE_COLUMNS = 110;
/** From the text above a chart to its first line, with room for the y axis's title. */
const GAP = 28;
const BOTTOM = 52;
const LABEL_HEIGHT = 15;
const MOST_MARKS = 12;

/** Ours, then the others in an order that keeps a contestant's colour from chart to chart. */
const COLOURS = [
  ['frameseal', '#1f6feb', '#58a6ff'],
  ['node:crypto', '#c2410c', '#fb923c'],
  ['node:crypto, raw key', '#a8a29e', '#78716c'],
  ['frameseal portable', '#7aa7e8', '#a5c8f5'],
  ['@noble/ciphers', '#7e22ce', '#c084fc'],
  ['WebCrypto', '#15803d', '#4ade80'],
  ['WebCrypto, 64 in flight', '#65a30d', '#a3e635'],
  ['@stablelib/gcm', '#be185d', '#f472b6'],
  ['werift-rtp SRTP', '#854d0e', '#eab308'],
  ['sm-crypto', '#b91c1c', '#f87171'],
  ['sm-crypto-v2', '#0e7490', '#22d3ee'],
  ['node:crypto, cipher kept', '#9a3412', '#fdba74'],
  ['', '#57606a', '#9aa4ae'],
] as const;

const STYLE = `svg{--ink:#1f2328;--dim:#59636e;--grid:#d1d9e0;--paper:#fff;${variables(1)}}
@media(prefers-color-scheme:dark){svg{--ink:#f0f6fc;--dim:#9198a1;--grid:#3d444d;--paper:#0d1117;${variables(2)}}}
svg text{font:12px system-ui,sans-serif;fill:var(--dim)}svg .title{font-size:14px;font-weight:600;fill:var(--ink)}
svg .ours{font-weight:700}svg .grid{stroke:var(--grid);stroke-width:1}svg .line{fill:none;stroke-width:2;stroke-linejoin:round}
svg .line.ours{stroke-width:3.5}${COLOURS.map((_, i) => `svg .s${i}{stroke:var(--c${i})}svg .f${i}{fill:var(--c${i})}`).join('')}`;

function variables(scheme: 1 | 2): string {
  return COLOURS.map((colour, i) => `--c${i}:${colour[scheme]}`).join(';');
}

/** A file of its own; places on both axes are as far apart as their logarithms. */
export function lineChart({ title, note, series, ticks, xTitle, yTitle }: LineChart): string {
  const noted = lines(note, NOTE_COLUMNS);
  const top = TITLE_BOTTOM + noted.length * NOTE_LINE_HEIGHT + GAP;
  const bottom = top + PLOT_HEIGHT;
  const height = bottom + BOTTOM;
  const drawn = series.filter(({ points }) => points.length > 0);
  const values = drawn.flatMap(({ points }) => points.map(({ y }) => y));
  const marks = marksFor(Math.min(...values), Math.max(...values));
  const [first, last] = [Math.log(ticks[0]!.x), Math.log(ticks.at(-1)!.x)];
  const xOf = (x: number) => LEFT + ((Math.log(x) - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const yOf = scale(marks[0]!, marks.at(-1)!, bottom, top);
  const parts = [
    ...noted.map((line, i) => text(0, TITLE_BOTTOM + (i + 1) * NOTE_LINE_HEIGHT, line, 'start')),
    ...marks.map(
      (mark) =>
        `<path class="grid" d="M${LEFT} ${at(yOf(mark))}H${WIDTH - RIGHT}"/>${text(LEFT - 8, yOf(mark) + 4, tickText(mark), 'end')}`,
    ),
    ...ticks.map(({ x, text: words }) => text(xOf(x), bottom + 18, words, 'middle')),
    text((LEFT + WIDTH - RIGHT) / 2, height - 12, xTitle, 'middle'),
    text(LEFT - 8, top - 10, yTitle, 'end'),
    // Ours last, above the others.
    ...drawn.toReversed().map(({ name, points }) =>
      lineOf(
        name,
        points.map(({ x, y }) => ({ x: xOf(x), y: yOf(y), value: y })),
      ),
    ),
    ...labels(
      drawn.map(({ name, points }) => ({ name, y: yOf(points.at(-1)!.y) })),
      bottom,
    ),
  ];
  return svg(title, height, parts);
}

function svg(title: string, height: number, parts: readonly string[]): string {
  const head = `<text class="title" x="0" y="${TITLE_BOTTOM}">${escaped(title)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}"><style>${STYLE}</style>${head}${parts.join('')}</svg>`;
}

function lineOf(name: string, points: readonly { x: number; y: number; value: number }[]): string {
  const colour = colourOf(name);
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${at(x)} ${at(y)}`).join('');
  const dots = points.map(
    ({ x, y, value }) =>
      `<circle class="f${colour}" cx="${at(x)}" cy="${at(y)}" r="3"><title>${escaped(name)}: ${tickText(value)}</title></circle>`,
  );
  return `<path class="line s${colour}${name === 'frameseal' ? ' ours' : ''}" d="${path}"/>${dots.join('')}`;
}

/** Names at the ends of lines, moved apart where lines end close together. */
function labels(ends: readonly { name: string; y: number }[], bottom: number): string[] {
  const sorted = ends.toSorted((a, b) => a.y - b.y);
  let next = Number.NEGATIVE_INFINITY;
  const placed = sorted.map(({ name, y }) => {
    next = Math.max(y, next + LABEL_HEIGHT);
    return { name, y: next };
  });
  const over = Math.max(0, next - bottom);
  return placed.map(({ name, y }) => {
    const label = text(WIDTH - RIGHT + 10, y - over + 4, name, 'start', name === 'frameseal' ? 'ours' : '');
    return `${label}<circle class="f${colourOf(name)}" cx="${WIDTH - RIGHT + 4}" cy="${at(y - over)}" r="3"/>`;
  });
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', kind = ''): string {
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"${kind && ` class="${kind}"`}>${escaped(words)}</text>`;
}

/** From values to places, by their logarithms. */
function scale(least: number, most: number, from: number, to: number): (value: number) => number {
  return (value) => from + (Math.log(value / least) / Math.log(most / least)) * (to - from);
}

/** 1, 2 and 5 times powers of ten, from just below to just above; powers of ten alone where there is no room for the others. */
function marksFor(least: number, most: number): number[] {
  const powers = Array.from({ length: 14 }, (_, i) => 10 ** (i - 3));
  const marks = between(
    powers.flatMap((power) => [power, 2 * power, 5 * power]),
    least,
    most,
  );
  return marks.length <= MOST_MARKS ? marks : between(powers, least, most);
}

function between(marks: readonly number[], least: number, most: number): number[] {
  const from = Math.max(
    0,
    marks.findLastIndex((mark) => mark <= least * 1.0001),
  );
  const to = marks.findIndex((mark) => mark >= most);
  return marks.slice(from, Math.max(to, from + 1) + 1);
}

function colourOf(name: string): number {
  const [contestant] = name.split(': ');
  const found = COLOURS.findIndex(([each]) => each === contestant || each === name);
  return found < 0 ? COLOURS.length - 1 : found;
}

function tickText(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}

function at(value: number): string {
  return value.toFixed(1);
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Words in lines of a limited length in characters. */
function lines(words: string, columns: number): string[] {
  const found: string[] = [];
  for (const word of words.split(' ').filter(Boolean)) {
    const line = `${found.at(-1)} ${word}`;
    if (found.length > 0 && line.length <= columns) found[found.length - 1] = line;
    else found.push(word);
  }
  return found;
}
