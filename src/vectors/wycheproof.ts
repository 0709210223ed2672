/** Wycheproof's JSON: `aes_gcm_test.json` and `hkdf_*_test.json`. Unknown algorithms are out of scope, and counted. */
import { type HkdfCase, Scope, type VectorCase, type VectorFile, VectorFormatError } from './schema.js';

interface WycheproofTest {
  readonly tcId: number;
  readonly comment?: string;
  readonly result: string;
  readonly [field: string]: unknown;
}

interface WycheproofGroup {
  readonly tests: readonly WycheproofTest[];
  readonly [field: string]: unknown;
}

interface WycheproofFile {
  readonly algorithm: string;
  readonly testGroups: readonly WycheproofGroup[];
}

export function looksLikeWycheproof(json: object): boolean {
  return 'algorithm' in json && 'testGroups' in json && Array.isArray(json.testGroups);
}

export function readWycheproof(json: object): VectorFile {
  const { algorithm, testGroups } = json as WycheproofFile;
  const scope = new Scope();
  const cases: VectorCase[] = [];
  for (const group of testGroups) {
    for (const test of group.tests) {
      if (algorithm === 'AES-GCM') addGcm(cases, scope, group, test);
      else if (algorithm === 'HKDF-SHA-256' || algorithm === 'HKDF-SHA-512') addHkdf(cases, algorithm, test);
      else scope.out(`algorithm ${algorithm}`);
    }
  }
  return { format: `Wycheproof ${algorithm}`, title: algorithm, cases, outOfScope: scope.counts };
}

function addGcm(cases: VectorCase[], scope: Scope, group: WycheproofGroup, test: WycheproofTest): void {
  if (group['keySize'] === 192) scope.out('AES-192');
  else if (group['ivSize'] !== 96) scope.out('IV not 12 bytes');
  else if (group['tagSize'] !== 128) scope.out('tag not 16 bytes');
  else {
    cases.push({
      kind: 'gcm',
      id: name(test),
      key: text(test, 'key'),
      nonce: text(test, 'iv'),
      aad: text(test, 'aad'),
      // The plaintext of an invalid case is what a careless implementation would release.
      ...(test.result === 'valid' ? { plaintext: text(test, 'msg') } : {}),
      ciphertext: text(test, 'ct'),
      tag: text(test, 'tag'),
      expect: test.result === 'valid' ? 'ok' : 'BAD_TAG',
    });
  }
}

function addHkdf(cases: VectorCase[], algorithm: string, test: WycheproofTest): void {
  cases.push({
    kind: 'hkdf',
    id: name(test),
    hash: algorithm.slice(5) as HkdfCase['hash'],
    ikm: text(test, 'ikm'),
    salt: text(test, 'salt'),
    info: text(test, 'info'),
    length: Number(test['size']),
    ...(test.result === 'valid' ? { okm: text(test, 'okm') } : { expect: 'TOO_LARGE' }),
  });
}

function name({ tcId, comment }: WycheproofTest): string {
  return comment ? `tcId ${tcId}: ${comment}` : `tcId ${tcId}`;
}

function text(test: WycheproofTest, field: string): string {
  const value = test[field];
  if (typeof value !== 'string') throw new VectorFormatError(`tcId ${test.tcId} has no field ${field}`);
  return value.toLowerCase();
}
