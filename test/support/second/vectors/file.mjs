// @ts-check
/** All cases, and the text of fixtures/channel.json; fixtures/README.md documents its schema. */
import { clearBytes, paddingCounts } from './clear.mjs';
import { contexts } from './contexts.mjs';
import { datagrams, sframeHeaders, unknownKeys } from './malformed.mjs';
import { forgeries, ownFrames, rooms, windows } from './opening.mjs';
import { channels } from './record.mjs';
import { rtcpForgeries, rtcpInClear, rtcpSealed } from './rtcp.mjs';
import { configurations, counters, examples, keyIds, payloads, rtpHeaders } from './sealing.mjs';
import { sm4Frames } from './sm4.mjs';

/**
 * @param {unknown} value
 * @returns {unknown}
 */
function plain(value) {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' ? String(value) : value;
}

/**
 * Objects and arrays on one line, with spaces.
 * @param {unknown} value
 */
function line(value) {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${JSON.stringify(field)}`);
  return `{ ${fields.join(', ')} }`;
}

/**
 * A case on one line, without what it leaves out.
 * @param {{ [field: string]: unknown }} fields
 */
function object(fields) {
  const present = Object.entries(fields)
    .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `"${name}": ${line(plain(value))}`);
  return `{ ${present.join(', ')} }`;
}

/** Makes every case; call it once. */
export function render() {
  examples();
  configurations();
  counters();
  keyIds();
  rtpHeaders();
  payloads();
  contexts();
  rtcpSealed();
  rtcpForgeries();
  rtcpInClear();
  paddingCounts();
  clearBytes();
  datagrams();
  sframeHeaders();
  unknownKeys();
  windows();
  forgeries();
  rooms();
  ownFrames();
  sm4Frames();
  const head = [
    '  "format": "frameseal-vectors/1"',
    '  "title": "The frameseal format, version 1"',
    '  "source": "FORMAT.md sections 1 to 7, by the second implementation in test/support/second"',
  ];
  const texts = [...channels.values()].map(({ name, fields, cases }) => {
    const shared = Object.entries({ name, ...fields }).map(
      ([field, value]) => `      "${field}": ${line(plain(value))}`,
    );
    const own = [...cases].map(([id, values]) => `        ${object({ id, ...values })}`);
    return `    {\n${shared.join(',\n')},\n      "cases": [\n${own.join(',\n')}\n      ]\n    }`;
  });
  return `{\n${head.join(',\n')},\n  "channels": [\n${texts.join(',\n')}\n  ]\n}\n`;
}
