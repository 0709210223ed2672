/** Key derivation (RFC 3711 section 4.3.3, RFC 6188) by the printed examples, and session keys that leave nothing behind. */
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/bytes.js';
import { pickEngine } from '../../src/engine/pick.js';
import { SrtpReceiver, SrtpSender } from '../../src/srtp/index.js';
import { derive } from '../../src/srtp/session.js';
import { BAD_TAG, CLOSED } from '../../src/status.js';
import { Guarded } from '../support/arrays.js';
import { bytes } from '../support/channel.js';
import { ENGINES } from '../support/engines.js';
import { SpyEngine } from '../support/spy-engine.js';
import { rtcpPacket, rtpPacket, SrtpReference, SUITES, srtpKeys } from '../support/srtp.js';

/** Salts of 14 bytes, as the RFCs have them; in RFC 7714 the last two are 0. */
const PRINTED = [
  {
    section: 'RFC 3711, appendix B.3',
    key: 'e1f97a0d3e018be0d64fa32c06de4139',
    salt: '0ec675ad498afeebb6960b3aabe6',
    derived: { 0: 'c61e7a93744f39ee10734afe3ff7a087', 2: '30cbbc08863d8c85d49db34a9ae1' },
  },
  {
    section: 'RFC 6188, section 7.3',
    key: 'f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6',
    salt: '3b04803de51ee7c96423ab5b78d2',
    derived: {
      0: '5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4',
      2: 'fa31791685ca444a9e07c6c64e93',
    },
  },
];

describe.each(ENGINES)('engine %s', (engine) => {
  test.each(PRINTED)('$section', ({ key, salt, derived }) => {
    const master = pickEngine(engine).createGcmKey((key.length / 2) as 16 | 32);
    master.setKey(fromHex(key));
    for (const [label, expected] of Object.entries(derived)) {
      const out = new Uint8Array(expected.length / 2);
      derive(master, fromHex(salt), Number(label), out, new Uint8Array(32));
      expect(toHex(out)).toBe(expected);
    }
    master.wipe();
  });
});

describe.each(SUITES)('%s: what is left of keys', (suite) => {
  const keys = srtpKeys(suite);

  test('the master key is wiped once both sessions have theirs; close wipes these', () => {
    for (const Side of [SrtpSender, SrtpReceiver]) {
      const engine = new SpyEngine();
      const side = new Side(keys, {}, { engine });
      expect(engine.keys).toHaveLength(3);
      expect(engine.liveKeys).toBe(2);
      expect(engine.arraysAreWiped).toBe(true);
      side.close();
      expect(engine.liveKeys).toBe(0);
    }
  });

  test('an exception at any point of the derivation leaves no key, in a slot or an array', () => {
    for (const point of ['setKey', 'set', 'encryptBlock'] as const) {
      for (let nth = 1; ; nth++) {
        const engine = new SpyEngine();
        const error = new Error('a fault');
        let left = nth;
        engine.fault = (at) => {
          if (at === point && --left === 0) throw error;
        };
        let thrown: unknown;
        try {
          new SrtpSender(keys, {}, { engine }).close();
        } catch (caught) {
          thrown = caught;
        }
        expect(engine.liveKeys).toBe(0);
        expect(engine.arraysAreWiped).toBe(true);
        if (thrown === undefined) {
          expect(left).toBeGreaterThan(0);
          break;
        }
        expect(thrown).toBe(error);
      }
    }
  });

  test('close continues where wiping throws, and a second call continues too', () => {
    const engine = new SpyEngine();
    const sender = new SrtpSender(keys, {}, { engine });
    const error = engine.failAt('wipe');
    expect(() => sender.close()).toThrow(error);
    expect(engine.liveKeys).toBe(1);
    expect(sender.protect(rtpPacket(bytes(9)), new Uint8Array(50))).toBe(CLOSED);
    expect(sender.protectRtcp(rtcpPacket(bytes(9)), new Uint8Array(50))).toBe(CLOSED);
    sender.close();
    expect(engine.liveKeys).toBe(0);
  });

  test('an exception at the engine: out is as it was, the index is used, and no nonce comes twice', () => {
    const engine = new SpyEngine();
    const sender = new SrtpSender(keys, {}, { engine });
    const receiver = new SrtpReceiver(keys, {}, { engine });
    const reference = new SrtpReference(keys);
    const packet = (sequence: number) => rtpPacket(bytes(20), { sequence });
    for (const [at, point] of (['seal', 'sealed'] as const).entries()) {
      const error = engine.failAt(point);
      const out = new Guarded(48);
      expect(() => sender.protect(packet(at), out.bytes)).toThrow(error);
      if (point === 'seal') expect(out.untouched).toBe(true);
      expect(sender.protect(packet(at), new Uint8Array(48))).toBe(-3);
    }
    const errorRtcp = engine.failAt('seal');
    const rtcp = rtcpPacket(bytes(20));
    expect(() => sender.protectRtcp(rtcp, new Uint8Array(48))).toThrow(errorRtcp);
    const out = new Uint8Array(48);
    expect(sender.protectRtcp(rtcp, out)).toBe(48);
    expect(Buffer.compare(out, reference.protectRtcp(rtcp, 1))).toBe(0);

    const error = engine.failAt('open');
    const opened = new Guarded(32);
    expect(() => receiver.unprotect(reference.protect(packet(7)), opened.bytes)).toThrow(error);
    expect(opened.untouched).toBe(true);
    expect(receiver.stats.streams).toBe(0);
    expect(receiver.unprotect(reference.protect(packet(7)), opened.bytes)).toBe(32);
  });

  test('keys of other directions do not open', () => {
    const sender = new SrtpSender(keys);
    const out = new Uint8Array(48);
    expect(sender.protect(rtpPacket(bytes(20)), out)).toBe(48);
    for (const other of [srtpKeys(suite, 2), { ...keys, masterSalt: srtpKeys(suite, 2).masterSalt }]) {
      expect(new SrtpReceiver(other).unprotect(out, new Uint8Array(48))).toBe(BAD_TAG);
    }
  });
});
