/** What `frameseal verify --peer` found, for people and for machines. */
import { number, styled, table } from '../terminal.js';
import type { Disagreement, PeerReport } from './check.js';
import { rowName } from './matrix.js';
import type { PeerDifference } from './question.js';
import type { Recipe } from './recipe.js';
import { evenKid } from './shrink.js';
import { framingOf } from './vectors.js';

/** Disagreements that are shown to people: one for an operation and a framing, because modes have most mistakes in common. */
const SHOWN = 6;
const LONGEST_VALUE = 400;
const TAG_DIGITS = 32;

export interface PeerRun extends PeerReport {
  readonly command: string;
  readonly randomCases: number;
  readonly seed: number;
}

/** One JSON document, whose requests can be sent to the peer again as they are. */
export function peerJson({ command, randomCases, seed, matrix, disagreements, outOfScope }: PeerRun): object {
  const shown = disagreements.map(({ question, what, expected, got, recipe }) => ({
    ...question.row,
    source: question.source,
    request: question.request,
    what,
    expected,
    got,
    where: whereOf({ what, expected, got }),
    ...(recipe && { needs: needsOf(recipe), payloadBytes: recipe.payload.length / 2 }),
  }));
  const { totals } = matrix;
  return {
    ok: totals.differ === 0,
    peer: command,
    random: randomCases,
    seed,
    ...totals,
    outOfScope,
    matrix: matrix.rows(),
    disagreements: shown,
  };
}

export function peerText({ command, randomCases, seed, matrix, disagreements, outOfScope }: PeerRun): string {
  const { agree, differ, unsupported } = matrix.totals;
  const mark = styled(process.stdout, differ === 0 ? 'green' : 'red', differ === 0 ? 'ok' : 'DISAGREES');
  const random = randomCases > 0 ? `, ${number(randomCases)} random cases (--seed ${seed})` : '';
  const shown = disagreements.filter((each, i) => disagreements.findIndex(isLike(each)) === i).slice(0, SHOWN);
  const columns = ['agree', 'differ', 'unsupported'] as const;
  const rows = matrix.rows().map((row) => [rowName(row), ...columns.map((column) => String(row[column]))]);
  const lines = [
    ...shown.flatMap(disagreementLines),
    ...(disagreements.length > shown.length
      ? [`and ${disagreements.length - shown.length} more rows: see --json`, '']
      : []),
    table([['', ...columns], ...rows]).trimEnd(),
    '',
    `${mark}  ${command}${random}`,
    `    ${number(agree)} agree, ${number(differ)} differ, ${number(unsupported)} the peer does not offer`,
    ...Object.entries(outOfScope).map(([reason, count]) => `    ${number(count)} out of scope: ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}

function isLike({ question: { row } }: Disagreement): (other: Disagreement) => boolean {
  return ({ question }) => question.row.operation === row.operation && question.row.framing === row.framing;
}

function disagreementLines({ question, what, expected, got, recipe }: Disagreement): string[] {
  const origin = recipe === undefined ? question.source : `shrunk from ${question.source}`;
  return [
    `${styled(process.stdout, 'red', 'differs')}  ${rowName(question.row)}: ${what} (${origin})`,
    `    expected  ${shorten(expected)}`,
    `    the peer  ${shorten(got)}`,
    `    ${whereOf({ what, expected, got })}`,
    ...(recipe === undefined
      ? []
      : [`    the case needs: ${needsOf(recipe).join(', ') || 'no option or field in particular'}`]),
    '    the request:',
    JSON.stringify({ id: 1, ...question.request }),
    '',
  ];
}

/** Where two results differ, in words that lead to the mistake. */
function whereOf({ what, expected, got }: PeerDifference): string {
  const areBytes = [expected, got].every((value) => /^([0-9a-f]{2})*$/.test(value));
  if (!areBytes) return 'not the same answer';
  if (expected.length !== got.length) return `${got.length / 2} bytes in place of ${expected.length / 2}`;
  let same = 0;
  while (expected[same] === got[same]) same++;
  const isTag = what === 'sealed' && same >= expected.length - TAG_DIGITS - 2;
  return `the first byte that differs is ${Math.floor(same / 2)} of ${expected.length / 2}${isTag ? ', in the tag' : ''}`;
}

/** What a shrunk case could not do without: the mistake is about one of these. */
function needsOf({ config, options, kid, ctr, clear, header, payload, earlier }: Recipe): string[] {
  const first = framingOf(options, header) === 'rtp' ? Number.parseInt(header.slice(0, 2), 16) : 0;
  const needs: readonly (readonly [boolean, string])[] = [
    [config.context !== undefined, 'a context'],
    [(config.keyId ?? 0) > 0, 'a keyId'],
    [config.encryptionKdfSalt !== undefined && kid !== evenKid(config.keyId ?? 0), 'a KID that byte order changes'],
    [ctr > 0, `CTR ${ctr}`],
    [earlier.length > 0, 'a frame before'],
    [options.bindHeader === false, 'bindHeader false'],
    [options.rtcp === 'clear', "rtcp 'clear'"],
    [(first & 0x20) !== 0, 'P'],
    [(first & 0x10) !== 0, 'an extension'],
    [(first & 0x0f) !== 0, 'CSRCs'],
    [clear > 0, 'clear bytes'],
    [payload !== '', 'a payload'],
  ];
  return needs.filter(([isNeeded]) => isNeeded).map(([, name]) => name);
}

function shorten(text: string): string {
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}... (${text.length} characters)`;
}
