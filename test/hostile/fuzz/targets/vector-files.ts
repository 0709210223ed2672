/** Small vector files of every format that `verifyVectors` knows: what the fuzzer begins with. */
import { readFileSync } from 'node:fs';

const FIXTURES = new URL('../../../../fixtures/', import.meta.url);
/** Longer cases are left to the vectors' own test. */
const LONGEST_CASE = 1500;

type Json = Record<string, unknown>;

const GCM = {
  key: '00000000000000000000000000000000',
  nonce: '000000000000000000000000',
  ciphertext: '0388dace60b6a392f328c2b971b2fe78',
  tag: 'ab6e47d42cec13bdf53a67b21257bddf',
};

const WYCHEPROOF_GCM = {
  algorithm: 'AES-GCM',
  testGroups: [
    {
      keySize: 128,
      ivSize: 96,
      tagSize: 128,
      tests: ['valid', 'invalid'].map((result, i) => ({
        tcId: i + 1,
        comment: i === 0 ? 'NIST' : '',
        key: GCM.key,
        iv: GCM.nonce,
        aad: '',
        msg: '00000000000000000000000000000000',
        ct: GCM.ciphertext,
        tag: i === 0 ? GCM.tag : `${GCM.tag.slice(0, -1)}0`,
        result,
      })),
    },
    { keySize: 192, ivSize: 96, tagSize: 128, tests: [{ tcId: 3, result: 'valid' }] },
    { keySize: 128, ivSize: 64, tagSize: 128, tests: [{ tcId: 4, result: 'valid' }] },
    { keySize: 128, ivSize: 96, tagSize: 96, tests: [{ tcId: 5, result: 'valid' }] },
  ],
};

const WYCHEPROOF_HKDF = {
  algorithm: 'HKDF-SHA-256',
  testGroups: [
    {
      tests: [
        {
          tcId: 1,
          comment: 'RFC 5869',
          ikm: '0b'.repeat(22),
          salt: '000102030405060708090a0b0c',
          info: 'f0f1f2f3f4f5f6f7f8f9',
          size: 42,
          okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
          result: 'valid',
        },
        { tcId: 2, ikm: '00', salt: '', info: '', size: 8161, okm: '', result: 'invalid' },
      ],
    },
  ],
};

const CAVP = `# GCM Encrypt
[Keylen = 128]
[IVlen = 96]
[PTlen = 128]
[AADlen = 0]
[Taglen = 128]

Count = 0
Key = ${GCM.key}
IV = ${GCM.nonce}
PT = 00000000000000000000000000000000
AAD =
CT = ${GCM.ciphertext}
Tag = ${GCM.tag}

Count = 1
Key = ${GCM.key}
IV = ${GCM.nonce}
CT = ${GCM.ciphertext}
Tag = 00000000000000000000000000000000
FAIL

[Keylen = 192]
[IVlen = 64]
Count = 0
`;

const SFRAME = {
  header: [
    { kid: 0, ctr: 0, encoded: '00' },
    { kid: '18446744073709551615', ctr: '18446744073709551615', encoded: `ff${'ff'.repeat(16)}` },
  ],
  sframe: [{ cipher_suite: 3 }],
  aes_ctr_hmac: [{ cipher_suite: 1 }],
};

/** The cases of a file, or of its channels, each in a file of its own; at most two short ones of each kind and expectation. */
function shortened(name: string): Json[] {
  const file = JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8')) as Json & {
    cases?: Json[];
    channels?: Json[];
  };
  const seen = new Map<string, number>();
  const takes = (test: Json): boolean => {
    const kind = `${test['kind']} ${test['expect']} ${Object.keys(test).join()}`;
    const count = seen.get(kind) ?? 0;
    const isTaken =
      count < 2 && JSON.stringify(test).length < LONGEST_CASE && ((test['iterations'] as number) ?? 0) < 9;
    if (isTaken) seen.set(kind, count + 1);
    return isTaken;
  };
  const { cases = [], channels = [], ...head } = file;
  return [
    ...cases.filter(takes).map((test) => ({ ...head, cases: [test] })),
    ...channels.flatMap((channel) =>
      (channel['cases'] as Json[])
        .filter(takes)
        .map((test) => ({ ...head, channels: [{ ...channel, cases: [test] }] })),
    ),
  ];
}

const names = ['fips197', 'gbt32907', 'headers', 'rfc5869', 'rfc9605', 'sp800-38d', 'channel'];
/** A small file is quick to run, and a change in it matters. */
const single = names.flatMap((name) => shortened(`${name}.json`));

/** Files as JSON values; CAVP's are text. */
export const JSON_FILES: readonly Json[] = [WYCHEPROOF_GCM, WYCHEPROOF_HKDF, SFRAME, ...single];
export const TEXT_FILES: readonly string[] = [
  CAVP,
  ...[WYCHEPROOF_HKDF, SFRAME, single[0]].map((file) => JSON.stringify(file)),
];
