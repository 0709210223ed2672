/** The questions in vectors: a request has some of a case's fields, and the others are what is expected. */
import type {
  ChannelCase,
  GcmCase,
  HkdfCase,
  SframeCase,
  SframeHeaderCase,
  Sm4Case,
  VectorCase,
} from 'frameseal/vectors';
import type { Operation, Values } from './protocol.js';
import type { Question } from './question.js';

const MODES: readonly string[] = ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'];

/** Questions of one case: none for a kind that no operation has. */
export function questionsOf(test: VectorCase): readonly Question[] {
  switch (test.kind) {
    case 'channel':
      return channelQuestions(test);
    case 'sm4-ecb':
      return sm4Questions(test);
    case 'gcm':
      return gcmQuestions(test);
    case 'hkdf':
      return [hkdfQuestion(test)];
    case 'sframe-header':
      return headerQuestions(test);
    case 'sframe':
      return [sframeQuestion(test)];
    case 'srtp':
    case 'aes-block':
      return [];
  }
}

/** The kind of a frame for the matrix: the framing; RTCP apart, because other rules apply to it. */
export function framingOf(options: ChannelCase['options'], frame: string): string {
  if (options?.framing === 'frame') return 'frame';
  const second = Number.parseInt(frame.slice(2, 4), 16);
  return second >= 192 && second <= 223 ? 'rtcp' : 'rtp';
}

/** The mode for the matrix, in one word for all names of one that are not its own. */
function modeOf({ encryptionMode }: ChannelCase['config']): string {
  return MODES.includes(encryptionMode) ? encryptionMode : 'alias';
}

/** The name of a refusal that a case expects. */
function refusalOf({ expect }: VectorCase): string | undefined {
  return expect === 'ok' ? undefined : expect;
}

/** Values by name, without those that the case does not have. */
function present(values: Readonly<Record<string, string | undefined>>): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Values;
}

/** Fields of a request, without those that the case does not have; JSON leaves them out. */
function question(
  test: VectorCase,
  op: Operation,
  row: Partial<Question['row']>,
  fields: object,
  expected: Values,
): Question {
  return {
    row: { operation: op, mode: '', framing: '', ...row },
    source: test.id,
    request: { op, ...fields },
    expected,
  };
}

function channelQuestions(test: ChannelCase): Question[] {
  const { config, options, kid, ctr, clear, outLength, input, sealed, before } = test;
  const mode = modeOf(config);
  const questions: Question[] = [];
  if (test.fingerprint !== undefined) {
    const { fingerprint, prk, baseKey, secret, frameKey, frameSalt, key16 } = test;
    const keys = present({ fingerprint, prk, baseKey, secret, frameKey, frameSalt, key16 });
    questions.push(question(test, 'derive', { mode }, { config, kid }, keys));
  }
  const refusal = refusalOf(test);
  const layout = { config, options: options ?? {}, clear, outLength };
  if (input !== undefined) {
    const expected: Values = sealed === undefined ? { status: refusal ?? 'ok' } : { sealed };
    const row = { mode, framing: framingOf(options, input) };
    questions.push(question(test, 'seal', row, { ...layout, kid, ctr, input }, expected));
  }
  if (sealed !== undefined) {
    const expected: Values = refusal === undefined ? { opened: test.output ?? input ?? '' } : { status: refusal };
    const row = { operation: refusal === undefined ? 'open' : 'refuse', mode, framing: framingOf(options, sealed) };
    const ownKid = test.loopback === false ? kid : undefined;
    questions.push(question(test, 'open', row, { ...layout, before, ownKid, sealed }, expected));
  }
  return questions;
}

function sm4Questions(test: Sm4Case): Question[] {
  const { key, plaintext, ciphertext, padding, iterations } = test;
  const given = { key, padding, iterations };
  const refusal = refusalOf(test);
  const row = { mode: 'SM4' };
  const decrypt = question(test, 'sm4', row, { ...given, ciphertext }, refusal ? { status: refusal } : { plaintext });
  return refusal ? [decrypt] : [question(test, 'sm4', row, { ...given, plaintext }, { ciphertext }), decrypt];
}

function gcmQuestions(test: GcmCase): Question[] {
  const { key, nonce, aad, plaintext = '', ciphertext, tag } = test;
  const given = { key, nonce, aad };
  const refusal = refusalOf(test);
  const row = { mode: `AES-${4 * key.length}` };
  const opened: Values = refusal ? { status: refusal } : { plaintext };
  const open = question(test, 'gcm', row, { ...given, ciphertext, tag }, opened);
  return refusal ? [open] : [question(test, 'gcm', row, { ...given, plaintext }, { ciphertext, tag }), open];
}

function hkdfQuestion(test: HkdfCase): Question {
  const { hash, ikm, salt, info, length, prk, okm } = test;
  const refusal = refusalOf(test);
  const expected = refusal ? { status: refusal } : present({ prk, okm });
  return question(test, 'hkdf', { mode: hash }, { hash, ikm, salt, info, length }, expected);
}

function headerQuestions(test: SframeHeaderCase): Question[] {
  const { kid, ctr, encoded } = test;
  const refusal = refusalOf(test);
  const read = question(test, 'header', {}, { encoded }, refusal ? { status: refusal } : { kid, ctr });
  return refusal ? [read] : [read, question(test, 'header', {}, { kid, ctr }, { encoded })];
}

function sframeQuestion(test: SframeCase): Question {
  const { suite, kid, ctr, baseKey, metadata, plaintext, frameKey, frameSalt, sealed } = test;
  const given = { suite, kid, ctr, baseKey, metadata, plaintext };
  return question(test, 'sframe', { mode: `suite ${suite}` }, given, { frameKey, frameSalt, sealed });
}
