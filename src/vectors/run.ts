/** Runs one case of the schema on an engine: what our code makes of it, and what the vector says. */
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { AesGcm, Sm4Ecb } from '../aead.js';
import { fromHex, toHex } from '../bytes.js';
import { type Channel, enableEncryptionWith } from '../channel/channel.js';
import type { SessionSource } from '../channel/keyring.js';
import { DerivedKeys, type GcmMode, KeySchedule, SUITES } from '../channel/keys.js';
import type { EngineChoice } from '../engine/pick.js';
import { statusName, TOO_LARGE } from '../status.js';
import { SframeHeader, writeHeader } from '../wire/sframe.js';
import { type Difference, differ, outcome } from './outcome.js';
import type { ChannelCase, GcmCase, HkdfCase, SframeCase, SframeHeaderCase, Sm4Case, VectorCase } from './schema.js';
import { runSrtp } from './srtp.js';

const LOW_32 = 0xffffffffn;
const SESSION_BITS = 60n;

/** @internal Undefined where we agree; or the first difference. Throws for a case that is no case (bad hex, missing fields). */
export function runCase(test: VectorCase, engine: EngineChoice): Difference | undefined {
  switch (test.kind) {
    case 'gcm':
      return runGcm(test, engine);
    case 'hkdf':
      return runHkdf(test);
    case 'sm4-ecb':
      return runSm4(test, engine);
    case 'sframe-header':
      return runHeader(test);
    case 'sframe':
      return runSframe(test, engine);
    case 'channel':
      return runChannel(test, engine);
    case 'srtp':
      return runSrtp(test, engine);
    case 'aes-block':
      throw new RangeError('aes-block cases are out of scope');
  }
}

function runGcm(test: GcmCase, engine: EngineChoice): Difference | undefined {
  const aes = new AesGcm(fromHex(test.key), { engine });
  const nonce = fromHex(test.nonce);
  const aad = fromHex(test.aad);
  const sealed = fromHex(test.ciphertext + test.tag);
  const genuine = test.expect === undefined || test.expect === 'ok';
  let difference: Difference | undefined;
  if (genuine) {
    const plaintext = fromHex(test.plaintext ?? '');
    const made = outcome(sealed.length, (out) => aes.seal(nonce, aad, plaintext, out));
    difference = differ('sealed', toHex(sealed), made);
  }
  const opened = outcome(sealed.length, (out) => aes.open(nonce, aad, sealed, out));
  difference ??= differ('opened', genuine ? (test.plaintext ?? '') : test.expect!, opened);
  aes.destroy();
  return difference;
}

function runHkdf(test: HkdfCase): Difference | undefined {
  const hash = test.hash === 'SHA-256' ? sha256 : sha512;
  const prk = extract(hash, fromHex(test.ikm), fromHex(test.salt));
  if (test.length > 255 * hash.outputLen) return differ('length', test.expect ?? 'ok', statusName(TOO_LARGE));
  const okm = toHex(expand(hash, prk, fromHex(test.info), test.length));
  return (
    (test.prk === undefined ? undefined : differ('prk', test.prk, toHex(prk))) ?? differ('okm', test.okm ?? '', okm)
  );
}

function runSm4(test: Sm4Case, engine: EngineChoice): Difference | undefined {
  const sm4 = new Sm4Ecb(fromHex(test.key), { engine });
  const plaintext = fromHex(test.plaintext);
  const ciphertext = fromHex(test.ciphertext);
  const genuine = test.expect === undefined || test.expect === 'ok';
  const room = ciphertext.length;
  const repeat = (call: (block: Uint8Array) => number, start: Uint8Array) => (out: Uint8Array) => {
    out.set(start);
    for (let i = 0; i < (test.iterations ?? 1); i++) call(out);
    return out.length;
  };
  const whole = test.padding === 'none';
  let difference: Difference | undefined;
  if (genuine) {
    const encrypt = whole
      ? repeat((block) => sm4.encryptBlocks(block, block), plaintext)
      : (out: Uint8Array) => sm4.encrypt(plaintext, out);
    difference = differ('encrypted', toHex(ciphertext), outcome(room, encrypt));
  }
  const decrypt = whole
    ? repeat((block) => sm4.decryptBlocks(block, block), ciphertext)
    : (out: Uint8Array) => sm4.decrypt(ciphertext, out);
  difference ??= differ('decrypted', genuine ? toHex(plaintext) : test.expect!, outcome(room, decrypt));
  sm4.destroy();
  return difference;
}

function runHeader(test: SframeHeaderCase): Difference | undefined {
  const encoded = fromHex(test.encoded);
  const header = new SframeHeader();
  const length = header.parse(encoded, 0, encoded.length);
  const genuine = test.expect === undefined || test.expect === 'ok';
  if (length < 0) return differ('parsed', genuine ? 'ok' : test.expect!, statusName(length));
  if (!genuine) return differ('parsed', test.expect!, 'OK');
  const kid = (BigInt(header.kidHigh >>> 0) << 32n) | BigInt(header.kidLow >>> 0);
  const read = `KID ${kid}, CTR ${header.ctr}, ${length} bytes`;
  const difference = differ('parsed', `KID ${test.kid}, CTR ${test.ctr}, ${encoded.length} bytes`, read);
  // Sealers write KIDs of eight bytes, and counters below 2^32.
  if (difference || kid >> 56n === 0n || header.ctr > Number(LOW_32)) return difference;
  const written = outcome(17, (out) => writeHeader(out, 0, header.kidHigh, header.kidLow, header.ctr));
  return differ('written', test.encoded, written);
}

function runSframe(test: SframeCase, engine: EngineChoice): Difference | undefined {
  const [mode] = Object.entries(SUITES).find(([, { id }]) => id === test.suite)!;
  const schedule = new KeySchedule(mode as GcmMode, new Uint8Array(32), new Uint8Array(32));
  const kid = BigInt(test.kid);
  const derived = new DerivedKeys(schedule.keyBytes);
  schedule.deriveFromBaseKey(fromHex(test.baseKey), derived, Number(kid >> 32n) | 0, Number(kid & LOW_32) | 0);
  const { key: frameKey, salt: frameSalt } = derived;
  const difference =
    differ('frameKey', test.frameKey, toHex(frameKey)) ?? differ('frameSalt', test.frameSalt, toHex(frameSalt));
  if (difference) return difference;

  const sealed = fromHex(test.sealed);
  const header = new SframeHeader();
  const headerLength = header.parse(sealed, 0, sealed.length);
  const nonce = frameSalt.slice();
  const ctr = BigInt(test.ctr);
  for (let i = 0; i < 8; i++) nonce[11 - i]! ^= Number((ctr >> BigInt(8 * i)) & 0xffn);
  const metadata = fromHex(test.metadata);
  const aad = new Uint8Array(headerLength + metadata.length);
  aad.set(sealed.subarray(0, headerLength));
  aad.set(metadata, headerLength);
  const aes = new AesGcm(frameKey, { engine });
  const opened = outcome(sealed.length, (out) => aes.open(nonce, aad, sealed.subarray(headerLength), out));
  const made = outcome(sealed.length, (out) => aes.seal(nonce, aad, fromHex(test.plaintext), out));
  aes.destroy();
  return differ('opened', test.plaintext, opened) ?? differ('sealed', toHex(sealed.subarray(headerLength)), made);
}

function runChannel(test: ChannelCase, engine: EngineChoice): Difference | undefined {
  const channel = enableEncryptionWith(test.config, { ...test.options, engine }, sessions(test));
  try {
    return runFrames(test, channel);
  } finally {
    channel.close();
  }
}

function runFrames(test: ChannelCase, channel: Channel): Difference | undefined {
  const expected = test.expect === undefined || test.expect === 'ok' ? undefined : test.expect;
  if (test.fingerprint !== undefined) {
    const difference = differ('fingerprint', test.fingerprint, channel.fingerprint);
    if (difference) return difference;
  }
  if (test.input !== undefined) {
    const input = fromHex(test.input);
    const sealer = channel.createSealer();
    const room = test.outLength ?? input.length + sealer.overhead;
    const sealed = outcome(room, (out) => sealer.seal(input, out));
    const difference = differ('sealed', test.sealed ?? expected ?? '', sealed);
    if (difference || test.sealed === undefined) return difference;
  } else if (test.loopback === false) {
    // The channel's own sealer, whose frame is reflected.
    channel.createSealer();
  }
  const sealed = fromHex(test.sealed ?? '');
  const want = expected ?? test.output ?? test.input ?? '';
  const opener = () => {
    const made = channel.createOpener({ loopback: test.loopback !== false });
    for (const frame of test.before ?? []) made.open(fromHex(frame), new Uint8Array(frame.length));
    return made;
  };
  const apart = outcome(test.outLength ?? sealed.length, (out) => opener().open(sealed, out));
  if (test.outLength !== undefined) return differ('opened', want, apart);
  const inPlace = sealed.slice();
  const status = opener().open(inPlace, inPlace);
  const opened = status < 0 ? statusName(status) : toHex(inPlace.subarray(0, status));
  return differ('opened', want, apart) ?? differ('opened in place', want, opened);
}

/** Gives a case's session and counter to the sealers of its channel. Throws RangeError for what sealers never use. */
function sessions(test: ChannelCase): SessionSource {
  return (words) => {
    const kid = BigInt(test.kid ?? 0);
    const ctr = Number(test.ctr ?? 0);
    if (kid >> 56n === 0n) throw new RangeError(`a sealer's KID takes eight bytes, not ${test.kid}`);
    if (ctr > Number(LOW_32)) throw new RangeError(`a sealer's CTR is below 2^32, not ${test.ctr}`);
    const session = kid & ((1n << SESSION_BITS) - 1n);
    words[0] = Number(session >> 32n) << 4;
    words[1] = Number(session & LOW_32);
    return ctr;
  };
}
