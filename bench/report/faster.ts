/** Where another library is faster than ours: said beside every table and chart, from the measured rows. */
import type { Result } from '../document.js';
import { short } from './text.js';

const NO_LIBRARY = 'No other library is faster';

/** A sentence about the results of one group under one Node; undefined where the group does not compare times of work. */
export function fasterText(results: readonly Result[]): string | undefined {
  const timed = results
    .filter(({ unit }) => unit === 'ns/frame' || unit === 'ns')
    .toSorted((a, b) => a.bytes - b.bytes);
  if (timed.length === 0) return undefined;
  const names = new Set(timed.flatMap(({ contestants }) => contestants.map(({ name }) => name)));
  const others = [...names].filter((name) => !name.startsWith('frameseal') && name !== 'base');
  const claims = others.flatMap((name) => claimOf(name, timed));
  if (claims.length > 0) return `${claims.join('; ')}.`;
  if (!areSizes(timed)) return `${NO_LIBRARY}.`;
  const [first, last] = [timed[0]!, timed.at(-1)!];
  const least = first === last ? '' : `${first.bytes.toLocaleString('en-US')} to `;
  return `${NO_LIBRARY} at ${least}${labelOf(last, timed)}.`;
}

/** `node:crypto is faster from 2,500 bytes on (8.10x at 200,000 bytes)`; nothing where the contestant is never faster. */
function claimOf(name: string, sorted: readonly Result[]): string[] {
  const offered = sorted.filter((result) => ratioOf(name, result) !== undefined);
  const won = offered.filter((result) => ratioOf(name, result)! < 1);
  if (won.length === 0) return [];
  const last = won.at(-1)!;
  const times = `${short(1 / ratioOf(name, last)!)}x`;
  const isToTheEnd = areSizes(sorted) && offered.length > 1 && offered.indexOf(won[0]!) === offered.length - won.length;
  const where = isToTheEnd
    ? `from ${labelOf(won[0]!, sorted)} on`
    : `${areSizes(sorted) ? 'at' : 'for'} ${won.map((result) => labelOf(result, sorted)).join(', ')}`;
  const timesAt = won.length === 1 ? times : `${times} ${areSizes(sorted) ? 'at' : 'for'} ${labelOf(last, sorted)}`;
  return [`${name} is faster ${where} (${timesAt})`];
}

/** Its time to ours. */
function ratioOf(name: string, { contestants }: Result): number | undefined {
  return contestants.find((entry) => entry.name === name)?.ratio?.median;
}

/** The group's cases differ in nothing but their sizes. */
function areSizes(results: readonly Result[]): boolean {
  return results.every(({ name, group, bytes }) => name === `${group} ${bytes} B`);
}

function labelOf({ name, group, bytes }: Result, all: readonly Result[]): string {
  return areSizes(all) ? `${bytes.toLocaleString('en-US')} bytes` : name.slice(group.length).trim();
}

/** The sentences of all groups in which another library is faster, for the end of a run; empty where there is none. */
export function fasterSummary(results: readonly Result[]): string {
  const kinds = [...new Set(results.map(({ group, node }) => `${group}\n${node}`))].map((kind) => kind.split('\n'));
  const lines = kinds.flatMap(([group, node]) => {
    const ofKind = results.filter((result) => result.group === group && result.node === node);
    const text = fasterText(ofKind);
    if (text === undefined || text.startsWith(NO_LIBRARY)) return [];
    return [`  ${group}, Node ${node!.split('.')[0]}: ${text}`];
  });
  return lines.length === 0 ? '' : `\nWhere another library is faster:\n${lines.join('\n')}\n`;
}
