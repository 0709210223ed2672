/** Results for programs that follow them, and for pages that quote them. */
import type { Document, Result } from '../document.js';
import { halfWidth } from '../statistics.js';
import { fasterText } from './faster.js';
import { short } from './text.js';

/** github-action-benchmark's customSmallerIsBetter: an entry for each contestant of each case, and for each allocation of ours. */
export function githubOf({ results, nodes }: Document): object[] {
  return results.flatMap(({ name, unit, node, contestants }) => {
    const title = nodes.length > 1 ? `Node ${node.split('.')[0]}, ${name}` : name;
    return contestants.flatMap(({ name: contestant, time, ratio, bytesPerFrame }) => {
      if (!time) return [];
      const row = {
        name: `${title}: ${contestant}`,
        unit,
        value: Number(time.median.toPrecision(4)),
        range: `+-${(100 * halfWidth(time)).toFixed(1)}%`,
        extra: `${ratio!.median.toFixed(2)} times as long as ${contestants[0]!.name}`,
      };
      if (contestant !== 'frameseal' || bytesPerFrame === undefined) return [row];
      return [row, { name: `${title}: ${contestant}, allocated`, unit: 'B/frame', value: bytesPerFrame }];
    });
  });
}

/** A table for each Node and group: sizes down, contestants across, times and ratios; above it, where others are faster. */
export function markdownOf(document: Document): string {
  const { frameseal, commit, date, machine, nodes } = document;
  const tables = nodes.flatMap(({ node, openssl, engine }) => {
    const ofNode = document.results.filter((result) => result.node === node);
    const groups = [...new Set(ofNode.map(({ group }) => group))];
    return groups.map((group) => {
      const results = ofNode.filter((result) => result.group === group);
      const { unit } = results[0]!;
      const title = `**${group}**, ${unit} (times as long as frameseal), Node ${node}, OpenSSL ${openssl}, engine ${engine}`;
      const faster = fasterText(results);
      return `${title}${faster === undefined ? '' : `. ${faster}`}\n\n${tableOf(results)}`;
    });
  });
  const at = commit === null ? '' : ` at ${commit}`;
  return `${tables.join('\n')}\nfrom frameseal ${frameseal}${at} on ${machine.cpu}, ${machine.cores} cores, ${date.slice(0, 10)}\n`;
}

function tableOf(results: readonly Result[]): string {
  const names = [...new Set(results.flatMap(({ contestants }) => contestants.map(({ name }) => name)))];
  const offered = names.filter((name) => results.some((result) => entryOf(result, name)?.time));
  const rows = results.map((result) => [
    result.name.slice(result.group.length).trim(),
    ...offered.map((name) => {
      const { time, ratio } = entryOf(result, name) ?? {};
      if (!time || !ratio) return 'not offered';
      return ratio.median === 1 ? `**${short(time.median)}**` : `${short(time.median)} (${short(ratio.median)}x)`;
    }),
    allocated(result),
  ]);
  const head = ['', ...offered, 'allocated by frameseal'];
  return [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |\n`)
    .join('');
}

function entryOf({ contestants }: Result, name: string) {
  return contestants.find((entry) => entry.name === name);
}

function allocated({ contestants }: Result): string {
  const bytes = contestants[0]?.bytesPerFrame;
  return bytes === undefined ? '' : `${bytes} B`;
}
