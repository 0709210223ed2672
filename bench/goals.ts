/**
 * Goals: how many times our time another contestant's is at least; below 1 where the other one is faster. About three quarters
 * of what is measured, so that goals catch breaks and not noise.
 */
import { readFileSync } from 'node:fs';
import type { Entry, Result } from './document.js';

interface Goal {
  readonly case: string;
  /** Which of ours; `frameseal` if left out. */
  readonly ours?: string;
  readonly peer: string;
  readonly atLeast: number;
  /** Major version of Node, where the peer is not the same on all. */
  readonly node?: number;
}

export interface Verdict {
  readonly text: string;
  readonly verdict: 'met' | 'MISSED' | 'noisy';
}

/** The goals of a file. */
export function readGoals(file: string | URL): Goal[] {
  return JSON.parse(readFileSync(file, 'utf8')) as Goal[];
}

/** A verdict for each goal whose case was run. A goal is missed where even the upper end of the ratio's interval is below it. */
export function judge(goals: readonly Goal[], results: readonly Result[]): Verdict[] {
  return results.flatMap((result) =>
    goals
      .filter((goal) => goal.case === result.name && (goal.node ?? majorOf(result)) === majorOf(result))
      .map((goal) => judgeOne(goal, result)),
  );
}

function judgeOne({ ours = 'frameseal', peer, atLeast }: Goal, result: Result): Verdict {
  const find = (name: string): Entry | undefined => result.contestants.find((entry) => entry.name === name);
  const [mine, theirs] = [find(ours)?.ratio, find(peer)?.ratio];
  const about = `Node ${majorOf(result)}, ${result.name}: ${ours} to ${peer}`;
  if (!mine || !theirs) return { text: `${about}: not measured`, verdict: 'MISSED' };
  // To the first contestant both: so the quotient of medians, and the worst that both intervals allow.
  const ratio = theirs.median / mine.median;
  const most = theirs.high / mine.low;
  const verdict = ratio >= atLeast ? 'met' : result.noisy || most >= atLeast ? 'noisy' : 'MISSED';
  return { text: `${about}: ${ratio.toFixed(2)}x, goal ${atLeast}x`, verdict };
}

function majorOf({ node }: Result): number {
  return Number(node.split('.')[0]);
}
