/** Runs an SRTP case of the schema on an engine: what our code makes of it, and what the vector says. */
import { fromHex, load32 } from '../bytes.js';
import type { EngineChoice } from '../engine/pick.js';
import type { ParsedKeys } from '../srtp/keys.js';
import { RTCP, RTP } from '../srtp/packets.js';
import { SrtpReceiver } from '../srtp/receiver.js';
import { SrtpSender } from '../srtp/sender.js';
import { type Difference, differ, outcome } from './outcome.js';
import type { SrtpCase } from './schema.js';

/** What protecting adds at most. */
const OVERHEAD = 20;

/** Undefined where we agree; or the first difference. */
export function runSrtp(test: SrtpCase, engine: EngineChoice): Difference | undefined {
  const { suite, packet, input, roc = 0, index = 0, expect = 'ok' } = test;
  const session: ParsedKeys = { key: fromHex(test.sessionKey), salt: fromHex(test.sessionSalt) };
  const keys = { suite, masterKey: new Uint8Array(session.key.length).fill(1), masterSalt: new Uint8Array(12).fill(1) };
  const kinds = { rtp: RTP, rtcp: { ...RTCP, indexToProtect: () => index } };
  const seam = { sessions: { rtp: session, rtcp: session }, kinds };
  const [sender, receiver] = [new SrtpSender(keys, { engine }, seam), new SrtpReceiver(keys, { engine }, seam)];
  const sealed = fromHex(test.protected);
  if (packet === 'rtp') for (const side of [sender, receiver]) side.setRoc(load32(sealed, RTP.ssrcAt) >>> 0, roc);
  let difference: Difference | undefined;
  if (input !== undefined) {
    const plain = fromHex(input);
    const made = outcome(plain.length + OVERHEAD, (out) =>
      packet === 'rtp' ? sender.protect(plain, out) : sender.protectRtcp(plain, out),
    );
    difference = differ('protected', test.protected, made);
  }
  const opened = outcome(sealed.length, (out) =>
    packet === 'rtp' ? receiver.unprotect(sealed, out) : receiver.unprotectRtcp(sealed, out),
  );
  difference ??= differ('unprotected', expect === 'ok' ? input! : expect, opened);
  sender.close();
  receiver.close();
  return difference;
}
