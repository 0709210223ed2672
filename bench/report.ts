/** The bench on a terminal, with a chart; as JSON; and held to its targets. */
import type { RowResult } from './harness.js';
import { rowName, TARGETS } from './rows.js';

const BAR_COLUMNS = 30;

/** A row for people: every contestant's time, the ratio to ours, and a bar as long as the time. */
export function rowText(result: RowResult): string {
  const ours = result.contestants[0]!;
  const slowest = Math.max(...result.contestants.map(({ ns }) => ns));
  const lines = result.contestants.map(({ peer, ns, spreadPercent }) => {
    const bar = '#'.repeat(Math.max(1, Math.round((BAR_COLUMNS * ns) / slowest)));
    const ratio = peer === ours.peer ? '' : `${(ns / ours.ns).toFixed(2)}x`;
    return `  ${peer.padEnd(18)}${grouped(ns).padStart(9)} ns +-${spreadPercent.toFixed(0).padStart(3)}%${ratio.padStart(9)}  ${bar}`;
  });
  return `${rowName(result)}\n${lines.join('\n')}\n`;
}

/** For tools that draw histories: smaller is better. */
export function asJson(results: readonly RowResult[]): object[] {
  return results.flatMap((result) =>
    result.contestants.map(({ peer, ns, spreadPercent }) => ({
      name: `${rowName(result)}: ${peer}`,
      unit: 'ns/frame',
      value: Math.round(ns * 10) / 10,
      range: `+-${spreadPercent.toFixed(1)}%`,
    })),
  );
}

/** A line for each target that applies, and whether all are met. */
export function checkTargets(results: readonly RowResult[]): { lines: string[]; met: boolean } {
  const nodeMajor = Number(process.versions.node.split('.')[0]);
  const lines: string[] = [];
  let met = true;
  for (const target of TARGETS) {
    if (target.nodeMajor !== undefined && target.nodeMajor !== nodeMajor) continue;
    const contestants = results.find((result) => rowName(result) === rowName(target))?.contestants;
    const peer = contestants?.find((contestant) => contestant.peer === target.peer);
    if (!contestants || !peer) continue;
    const ours = contestants.find((contestant) => contestant.peer === `frameseal ${target.engine}`)!;
    const ratio = peer.ns / ours.ns;
    const well = ratio >= target.atLeast;
    met &&= well;
    lines.push(
      `${well ? 'met   ' : 'MISSED'} ${target.engine} ${rowName(target)}: ${ratio.toFixed(2)}x ${target.peer}, asked ${target.atLeast}x`,
    );
  }
  return { lines, met };
}

function grouped(ns: number): string {
  return Math.round(ns).toLocaleString('en-US');
}
