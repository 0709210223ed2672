/** The SFrame working group's JSON of RFC 9605 appendix C: headers, and cipher suites 4 and 5 of the ones it holds. */
import { SUITES } from '../channel/keys.js';
import { MAX_CTR } from '../wire/sframe.js';
import { Scope, type VectorCase, type VectorFile } from './schema.js';

type Entry = Readonly<Record<string, string | number>>;

interface SframeFile {
  readonly header: readonly Entry[];
  readonly sframe: readonly Entry[];
  readonly [section: string]: readonly Entry[];
}

export function looksLikeRfc9605(json: object): boolean {
  return 'header' in json && 'sframe' in json && Array.isArray(json.header) && Array.isArray(json.sframe);
}

export function readRfc9605(json: object): VectorFile {
  const file = json as SframeFile;
  const scope = new Scope();
  const suites = Object.values(SUITES).map(({ id }) => id);
  const cases: VectorCase[] = file.header.map((entry) => ({
    kind: 'sframe-header',
    id: `header, KID ${entry['kid']}, CTR ${entry['ctr']}`,
    ...numbers(entry),
    encoded: String(entry['encoded']),
    // FORMAT.md section 3: counters end before 2^53.
    ...(BigInt(entry['ctr']!) > BigInt(MAX_CTR) ? { expect: 'MALFORMED' } : {}),
  }));
  for (const entry of file.sframe) {
    const suite = Number(entry['cipher_suite']);
    if (!suites.includes(suite)) {
      scope.out(`cipher suite ${suite}`);
      continue;
    }
    cases.push({
      kind: 'sframe',
      id: `cipher suite ${suite}`,
      suite,
      ...numbers(entry),
      baseKey: String(entry['base_key']),
      frameKey: String(entry['sframe_key']),
      frameSalt: String(entry['sframe_salt']),
      metadata: String(entry['metadata']),
      plaintext: String(entry['pt']),
      sealed: String(entry['ct']),
    });
  }
  for (const [section, entries] of Object.entries(file)) {
    if (section !== 'header' && section !== 'sframe') for (const _ of entries) scope.out(section.replaceAll('_', '-'));
  }
  return { format: 'SFrame test vectors (RFC 9605)', title: 'RFC 9605 appendix C', cases, outOfScope: scope.counts };
}

function numbers(entry: Entry): { kid: string; ctr: string } {
  return { kid: String(entry['kid']), ctr: String(entry['ctr']) };
}
