/** One page that needs nothing else: charts of times over sizes, of ratios, of latencies, and a table of everything. */
import { number } from '#terminal';
import type { Document, Result } from '../document.js';
import { LATENCY_SHARES } from '../measure/request.js';
import { halfWidth } from '../statistics.js';
import { barChart, escaped, lineChart, type Series, STYLE } from './chart.js';
import { shareText, short } from './text.js';

const PAGE_STYLE = `:root{color-scheme:light dark;--ink:#1f2328;--dim:#59636e;--paper:#fff;--line:#d1d9e0;--panel:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#f0f6fc;--dim:#9198a1;--paper:#0d1117;--line:#3d444d;--panel:#151b23}}
body{margin:0 auto;padding:2rem 1.5rem 4rem;max-width:1600px;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{margin:0 0 .25rem;font-size:1.7rem}h2{margin:2.5rem 0 .75rem;font-size:1.2rem}p{margin:.2rem 0;color:var(--dim)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));gap:1.25rem}
figure{margin:0;padding:1rem;background:var(--panel);border:1px solid var(--line);border-radius:8px}svg{width:100%;height:auto;display:block}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}th{font-weight:600}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}.ours{font-weight:700}.dim{color:var(--dim)}`;

const FEWEST_SIZES = 3;

export function htmlOf(document: Document): string {
  const { frameseal, commit, date, machine, nodes } = document;
  const facts = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}`,
    ...nodes.map(({ node, v8, openssl, engine }) => `Node ${node}, V8 ${v8}, OpenSSL ${openssl}; engine ${engine}`),
  ];
  const sections = nodes.map(({ node }) =>
    sectionOf(
      document.results.filter((result) => result.node === node),
      node,
    ),
  );
  const title = `frameseal ${frameseal}${commit === null ? '' : ` at ${commit}`}: ${date.slice(0, 10)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>
<style>${PAGE_STYLE}${STYLE}</style></head>
<body><h1>${escaped(title)}</h1>
${facts.map((fact) => `<p>${escaped(fact)}</p>`).join('\n')}
<p>Medians of interleaved rounds; +- is half the width of the median's 95% interval. Every contestant's bytes were checked first.</p>
${sections.join('\n')}
</body></html>
`;
}

/** The chart of one group's times over sizes, as a file of its own. */
export function svgOf({ results, nodes }: Document): string {
  const [{ node }] = nodes as [Document['nodes'][number]];
  const ofNode = results.filter((result) => result.node === node);
  return sizeChart(
    ofNode.filter(({ group }) => group === ofNode[0]!.group),
    node,
  ).replace('>', `><style>${STYLE}</style>`);
}

function sectionOf(results: readonly Result[], node: string): string {
  const groups = [...new Set(results.map(({ group }) => group))].map((name) =>
    results.filter(({ group }) => group === name),
  );
  const overSizes = groups.filter(
    (group) => group.length >= FEWEST_SIZES && new Set(group.map(({ bytes }) => bytes)).size > 1,
  );
  const charts = [
    ...overSizes.map((group) => sizeChart(group, node)),
    ...results.filter(({ contestants }) => contestants.some(({ latency }) => latency)).map(latencyChart),
    ...results.filter(({ contestants }) => contestants.filter(({ time }) => time).length > 1).map(ratioChart),
  ];
  const figures = charts.map((chart) => `<figure>${chart}</figure>`).join('\n');
  const rows = results.flatMap(rowsOf).join('\n');
  const head = ['case', 'contestant', 'time', '', '+-', 'to frameseal', 'B/frame']
    .map((each) => `<th>${each}</th>`)
    .join('');
  return `<h2>Node ${escaped(node)}</h2>
<div class="charts">${figures}</div>
<h2>All numbers, Node ${escaped(node)}</h2>
<div class="scroll"><table><tr>${head}</tr>
${rows}
</table></div>`;
}

function sizeChart(group: readonly Result[], node: string): string {
  const names = [...new Set(group.flatMap(({ contestants }) => contestants.map(({ name }) => name)))];
  const series: Series[] = names.map((name) => ({
    name,
    points: group.flatMap(({ bytes, contestants }) => {
      const time = contestants.find((entry) => entry.name === name)?.time;
      return time ? [{ x: bytes, y: time.median }] : [];
    }),
  }));
  return lineChart({
    title: `${group[0]!.group}: ${group[0]!.unit}, Node ${node.split('.')[0]}`,
    series,
    ticks: group.map(({ bytes }) => ({ x: bytes, text: bytes === 1400 && group.length > 5 ? '' : String(bytes) })),
    xTitle: 'bytes of a frame',
    yTitle: group[0]!.unit,
    xScale: 'logarithmic',
  });
}

function latencyChart({ name, contestants, node }: Result): string {
  const places = LATENCY_SHARES.map((_, i) => i);
  const series = contestants.map((entry) => ({
    name: entry.status === 'saturated' ? `${entry.name}: saturated` : entry.name,
    points: entry.latency ? places.map((i) => ({ x: i, y: entry.latency!.us[i]! })) : [],
  }));
  const ticks = places.map((i) => ({ x: i, text: shareText(LATENCY_SHARES[i]!) }));
  const title = `${name}: how long a frame took, Node ${node.split('.')[0]}`;
  return lineChart({ title, series, ticks, xTitle: 'share of frames', yTitle: 'us', xScale: 'linear' });
}

function ratioChart({ name, node, noisy, contestants }: Result): string {
  const bars = contestants.flatMap(({ name: contestant, ratio }) =>
    ratio ? [{ name: contestant, value: Math.max(1, ratio.median), text: `${short(ratio.median)}x` }] : [],
  );
  return barChart(`${name}: times as long as frameseal, Node ${node.split('.')[0]}${noisy ? ' (noisy)' : ''}`, bars);
}

function rowsOf({ name, unit, contestants, noisy }: Result): string[] {
  return contestants.map(({ name: contestant, status, time, ratio, bytesPerFrame }, i) => {
    const first = i === 0 ? `${name}${noisy ? ' (too noisy to judge by)' : ''}` : '';
    const cells = time
      ? [short(time.median), unit, `${Math.round(100 * halfWidth(time))}%`, i === 0 ? '' : `${short(ratio!.median)}x`]
      : [`<span class="dim">${status}</span>`, '', '', ''];
    const bytes = bytesPerFrame === undefined ? '' : number(bytesPerFrame);
    const all = [escaped(first), escaped(contestant), ...cells, bytes].map((cell) => `<td>${cell}</td>`).join('');
    return `<tr${i === 0 ? ' class="ours"' : ''}>${all}</tr>`;
  });
}
