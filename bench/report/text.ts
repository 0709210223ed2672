/** Results for people on a terminal: a case with its contestants, a column for each Node, and a bar as long as the time. */
import { number } from 'frameseal-cli/terminal';
import type { Document, Entry, Result } from '../document.js';
import { LATENCY_SHARES } from '../measure/request.js';
import { halfWidth } from '../statistics.js';

const BAR_COLUMNS = 24;
const NAME_COLUMNS = 25;

export function headText({ frameseal, commit, date, machine, nodes }: Omit<Document, 'results'>): string {
  const facts = nodes.map(
    ({ node, v8, openssl, engine }) => `Node ${node}, V8 ${v8}, OpenSSL ${openssl}; engine ${engine}`,
  );
  const about = `frameseal ${frameseal}${commit === null ? '' : ` at ${commit}`}, ${date.slice(0, 10)}`;
  return `${[about, `${machine.cpu}, ${machine.cores} cores, ${machine.system}`, ...facts].join('\n')}\n`;
}

/** One case: its results under each Node, in the order of the run. */
export function caseText(results: readonly Result[]): string {
  const { name, unit } = results[0]!;
  const all = [...new Set(results.flatMap(({ contestants }) => contestants.map((entry) => entry.name)))];
  const isOffered = (name: string) =>
    results.some(({ contestants }) => contestants.some((entry) => entry.name === name && entry.time));
  const names = all.filter(isOffered);
  const others = all.filter((each) => !names.includes(each));
  const longest = Math.max(...results[0]!.contestants.map(({ time }) => time?.median ?? 0));
  const head = results.map((result) => columnHead(result, results.length > 1)).join('');
  const lines = names.map((contestant) => {
    const entries = results.map(({ contestants }) => contestants.find((entry) => entry.name === contestant));
    const [first] = entries;
    const bar = first?.time ? '#'.repeat(Math.max(1, Math.round((BAR_COLUMNS * first.time.median) / longest))) : '';
    return `  ${contestant.padEnd(NAME_COLUMNS)}${entries.map(cells).join('')}  ${bar}`.trimEnd();
  });
  const noisy = results.filter((result) => result.noisy).map(({ node }) => `  too noisy to judge by (Node ${node})`);
  const distribution = results.flatMap(latencyLines);
  const missing = others.length > 0 ? [`  not offered by ${others.join('; ')}`] : [];
  const title = `${`${name}, ${unit}`.padEnd(NAME_COLUMNS + 2)}${head}`.trimEnd();
  return `${[title, ...lines, ...missing, ...distribution, ...noisy].join('\n')}\n`;
}

function columnHead({ node }: Result, named: boolean): string {
  const title = named ? `Node ${node.split('.')[0]}` : 'time';
  return title.padStart(11) + ''.padStart(5) + 'to ours'.padStart(9) + 'B/frame'.padStart(9);
}

function cells(entry: Entry | undefined): string {
  if (entry?.time === undefined || entry.ratio === undefined) return (entry?.status ?? '').padStart(34);
  const ratio = entry.ratio.median === 1 ? '' : `${short(entry.ratio.median)}x`;
  const spread = `+-${Math.round(100 * halfWidth(entry.time))}%`;
  const bytes = entry.bytesPerFrame === undefined ? '' : number(entry.bytesPerFrame);
  return short(entry.time.median).padStart(11) + spread.padStart(5) + ratio.padStart(9) + bytes.padStart(9);
}

function latencyLines({ contestants, node }: Result): string[] {
  const rows = contestants.filter(({ latency }) => latency !== undefined);
  if (rows.length === 0) return [];
  const head = [...LATENCY_SHARES.map(shareText), 'GCs'];
  return [
    `  ${`us, Node ${node.split('.')[0]}`.padEnd(NAME_COLUMNS)}${head.map((each) => each.padStart(9)).join('')}`,
    ...rows.map(({ name, status, latency }) => {
      const times = latency!.us.map((us) => short(us).padStart(9)).join('');
      const collections = latency!.collections === undefined ? '' : number(latency!.collections);
      return `  ${name.padEnd(NAME_COLUMNS)}${times}${collections.padStart(9)}${status === 'saturated' ? '  saturated' : ''}`.trimEnd();
    }),
  ];
}

/** `p50`, `p99.9`, `max`. */
function shareText(share: number): string {
  return share === 1 ? 'max' : `p${Number((100 * share).toFixed(2))}`;
}

/** Three digits that matter. */
export function short(value: number): string {
  if (value >= 1000) return number(value);
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

const CALL_PACKETS_PER_SECOND = 50;

/** What a packet's time means: for the packets that were measured, how many of them one core does. */
export function summaryText(results: readonly Result[]): string {
  const lines = results.flatMap(({ name, bytes, node, contestants }) => {
    const time = contestants[0]?.time;
    if (!/^rtp aes/.test(name) || time === undefined) return [];
    const perSecond = 1e9 / time.median;
    const means =
      bytes < 500
        ? `${number(Math.floor(perSecond / CALL_PACKETS_PER_SECOND))} voice streams of ${CALL_PACKETS_PER_SECOND} packets a second`
        : `${((perSecond * bytes * 8) / 1e9).toFixed(1)} Gbit/s of payload`;
    return [`  ${name.padEnd(32)}${number(perSecond).padStart(11)} a second: ${means} (Node ${node.split('.')[0]})`];
  });
  return lines.length === 0 ? '' : `\nWhat one core carries:\n${lines.join('\n')}\n`;
}
