/** The chart that `--svg` writes: times over sizes. */
import type { Document, Result } from '../document.js';
import { lineChart, type Series } from './chart.js';

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
    series,
    ticks: group.map(({ bytes }) => ({ x: bytes, text: bytes === 1400 && group.length > 5 ? '' : String(bytes) })),
    xTitle: 'bytes of a frame',
    yTitle: group[0]!.unit,
  });
}
