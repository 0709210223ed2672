/** The vector files in fixtures/, typed; fixtures/README.md documents each field. */
import { readFileSync } from 'node:fs';
import { statusName } from '../../src/status.js';
import type {
  GcmCase,
  ChannelCase as SchemaChannelCase,
  HkdfCase as SchemaHkdfCase,
  SframeCase as SchemaSframeCase,
  SframeHeaderCase,
  Sm4Case,
  SrtpCase,
} from '../../src/vectors/schema.js';

export interface AesBlockCase {
  readonly kind: 'aes-block';
  readonly id: string;
  readonly expect?: string;
  readonly key: string;
  readonly plaintext: string;
  readonly ciphertext: string;
}

export type { GcmCase, SframeHeaderCase };
export type Sm4EcbCase = Sm4Case;
/** In our files every value is given. */
export type HkdfCase = SchemaHkdfCase & { readonly prk: string; readonly okm: string };
export type SframeCase = SchemaSframeCase & { readonly secret: string; readonly nonce: string; readonly aad: string };

/** With the intermediate values, which only a test of the page compares. */
export type ChannelCase = SchemaChannelCase & {
  readonly options: {
    readonly framing: 'rtp' | 'frame';
    readonly bindHeader: boolean;
    readonly rtcp?: 'sealed' | 'clear';
    readonly replayWindow?: number;
  };
  readonly fingerprint: string;
  readonly prk?: string;
  readonly baseKey?: string;
  readonly secret?: string;
  readonly frameKey?: string;
  readonly frameSalt?: string;
  readonly key16?: string;
  readonly nonce?: string;
  readonly aad?: string;
};

export type Case =
  | AesBlockCase
  | GcmCase
  | HkdfCase
  | Sm4EcbCase
  | SframeHeaderCase
  | SframeCase
  | ChannelCase
  | SrtpCase;

export interface FixtureFile {
  readonly format: string;
  readonly title: string;
  readonly source: string;
  readonly cases: readonly Case[];
}

export const fixturesFolder = new URL('../../fixtures/', import.meta.url);

type SharedChannel = Pick<ChannelCase, 'config' | 'options' | 'fingerprint' | 'prk' | 'key16'> & {
  readonly name: string;
  readonly cases: readonly ChannelCase[];
};

/**
 * The vector file of this name; each case of a channel has what its channel shares, but what is printed once. Throws where
 * it is of another format.
 */
export function loadFixture(name: string): FixtureFile {
  const file = JSON.parse(readFileSync(new URL(name, fixturesFolder), 'utf8')) as FixtureFile & {
    readonly channels?: readonly SharedChannel[];
  };
  if (file.format !== 'frameseal-vectors/1') throw new Error(`${name} has the format ${file.format}`);
  const shared = (file.channels ?? []).flatMap(({ name: channel, cases, ...fields }) =>
    cases.map((own): ChannelCase => ({ ...fields, ...own, id: `${channel}: ${own.id}`, kind: 'channel' })),
  );
  return { ...file, cases: [...(file.cases ?? []), ...shared] };
}

/** A result in the words of `expect`. */
export function outcome(result: number): string {
  return result < 0 ? statusName(result) : 'ok';
}

/** Bytes of lower-case hex digits; throws for anything else, where Buffer.from would cut the text short. */
export function hex(text: string): Buffer {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new Error(`not lower-case hex: ${text}`);
  return Buffer.from(text, 'hex');
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** The two signed halves of a 64-bit number. */
export function halves(value: bigint): [high: number, low: number] {
  return [Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value))];
}

/** Eight bytes, big-endian. */
export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
