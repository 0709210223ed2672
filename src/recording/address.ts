/** IP addresses as text: `192.0.2.7`, and IPv6 as RFC 5952 has it. */
import { load16 } from './area.js';

/** The text of an address of 4 or 16 bytes. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => load16(bytes, 2 * i).toString(16));
  // The longest run of zeros, and the first of these, of at least two groups.
  const runs = groups.join(':').match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((most, run) => (run.length > most.length ? run : most), '');
  if (longest === '') return groups.join(':');
  return groups.join(':').replace(new RegExp(`(?:^|:)${longest}(?::|$)`), '::');
}

/** The 4 or 16 bytes of an address. Throws RangeError for what is none. */
export function addressBytes(text: string): Uint8Array {
  const bytes = text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
  if (bytes === undefined) throw new RangeError(`expected an IP address, got a string of ${text.length} characters`);
  return bytes;
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  const isAddress = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
  return isAddress ? Uint8Array.from(parts, Number) : undefined;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const [head, tail, ...more] = text.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const given = [...head!, ...(tail ?? [])];
  const missing = 8 - given.length;
  const isShortened = tail !== undefined;
  if (more.length > 0 || !given.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  if (isShortened ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head!, ...new Array<string>(missing).fill('0'), ...(tail ?? [])];
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >>> 8, Number.parseInt(group, 16)]));
}
