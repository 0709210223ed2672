/**
 * NIST CAVP response files for GCM: `gcmEncryptExtIV*.rsp` and `gcmDecrypt*.rsp`.
 *
 *     [Keylen = 128]            a section's lengths, in bits
 *     [IVlen = 96] ...
 *     Count = 0                 a case: names and hex values
 *     Key = ...
 *     FAIL                      in place of PT: the tag is wrong
 */
import { Scope, type VectorCase, type VectorFile } from './schema.js';

const LINE = /^(?:\[(\w+) = (\d+)\]|(\w+) = ?([0-9a-fA-F]*)|(FAIL))$/;

export function looksLikeCavp(text: string): boolean {
  return /^\[Keylen = \d+\]\s*$/m.test(text) && /^\[Taglen = \d+\]\s*$/m.test(text);
}

export function readCavp(text: string): VectorFile {
  const scope = new Scope();
  const cases: VectorCase[] = [];
  const lengths: Record<string, number> = {};
  let values: Record<string, string> = {};
  const finish = () => {
    if (values['Count'] !== undefined) addCase(cases, scope, lengths, values);
    values = {};
  };
  for (const line of text.split(/\r?\n/)) {
    const [, section, bits, name, value, fail] = LINE.exec(line.trim()) ?? [];
    if (section !== undefined) {
      finish();
      lengths[section] = Number(bits);
    } else if (name !== undefined) {
      if (name === 'Count') finish();
      values[name] = value!.toLowerCase();
    } else if (fail !== undefined) {
      values['FAIL'] = '';
    }
  }
  finish();
  return {
    format: 'NIST CAVP GCM',
    title: /^# (GCM.*)$/m.exec(text)?.[1]?.trim() ?? 'GCM',
    cases,
    outOfScope: scope.counts,
  };
}

function addCase(
  cases: VectorCase[],
  scope: Scope,
  lengths: Readonly<Record<string, number>>,
  values: Readonly<Record<string, string>>,
): void {
  if (lengths['Keylen'] === 192) scope.out('AES-192');
  else if (lengths['IVlen'] !== 96) scope.out('IV not 12 bytes');
  else if (lengths['Taglen'] !== 128) scope.out('tag not 16 bytes');
  else {
    const { PTlen, AADlen } = lengths;
    cases.push({
      kind: 'gcm',
      id: `PTlen ${PTlen}, AADlen ${AADlen}, count ${Number.parseInt(values['Count']!, 10)}`,
      key: values['Key'] ?? '',
      nonce: values['IV'] ?? '',
      aad: values['AAD'] ?? '',
      ...(values['PT'] === undefined ? {} : { plaintext: values['PT'] }),
      ciphertext: values['CT'] ?? '',
      tag: values['Tag'] ?? '',
      expect: values['FAIL'] === undefined ? 'ok' : 'BAD_TAG',
    });
  }
}
