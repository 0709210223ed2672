/** The chart that `--svg` writes: times over sizes. */
import type { Document, Result } from '../document.js';
import { lineChart, type Series } from './chart.js';
import { fasterText } from './faster.js';

/** Numbers that have room below a chart. */
const MOST_TICKS = 12;

/** The chart of the first group under the first Node. */
export function svgOf({ results, nodes }: Document): string {
  const [{ node }] = nodes as [Document['nodes'][number]];
  const ofNode = results.filter((result) => result.node === node);
  return sizeChart(
    ofNode.filter(({ group }) => group === ofNode[0]!.group),
    node,
  );
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
    note: fasterText(group) ?? '',
    series,
    ticks: ticksOf(group.map(({ bytes }) => bytes)),
    xTitle: 'bytes of a frame',
    yTitle: group[0]!.unit,
  });
}

/** A mark at each size, with its number where that does not run into the one before. */
function ticksOf(sizes: readonly number[]) {
  const apart = (sizes.at(-1)! / sizes[0]!) ** (1 / MOST_TICKS);
  let numbered = 0;
  return sizes.map((bytes) => {
    const hasRoom = bytes >= numbered * apart;
    if (hasRoom) numbered = bytes;
    return { x: bytes, text: hasRoom ? bytes.toLocaleString('en-US') : '' };
  });
}
