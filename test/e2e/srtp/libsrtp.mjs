/** libsrtp by Debian's python3-pylibsrtp: RTP and RTCP both ways, and what each refuses of the other's. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { BAD_TAG, REPLAYED, SrtpReceiver, SrtpSender } from '../../../dist/bundle/srtp/index.js';
import { keyAndSalt, made, mustEqual, randomKeys, rtcpPacket, rtpPacket } from './packets.mjs';

export const PYTHON = '/usr/bin/python3';
const SCRIPT = new URL('libsrtp.py', import.meta.url).pathname;
const RTP_PACKETS = 200;
const RTCP_PACKETS = 100;

/** The process, with a function that sends a request and gives its answer. */
function startPeer() {
  const child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('libsrtp ended');
    return JSON.parse(value);
  };
  return { child, ask };
}

export async function libsrtp(suite) {
  const { child, ask } = startPeer();
  try {
    const [ours, theirs] = [randomKeys(suite), randomKeys(suite)];
    await ask({ open: 'in', direction: 'in', suite, key: keyAndSalt(ours).toString('hex') });
    await ask({ open: 'out', direction: 'out', suite, key: keyAndSalt(theirs).toString('hex') });
    const [sender, receiver] = [new SrtpSender(ours), new SrtpReceiver(theirs)];
    const call = async (name, session, packet) =>
      ask({ call: name, session, packet: Buffer.from(packet).toString('hex') });

    const kinds = [
      { name: 'RTP', count: RTP_PACKETS, packet: rtpPacket, suffix: '' },
      { name: 'RTCP', count: RTCP_PACKETS, packet: rtcpPacket, suffix: '_rtcp' },
    ];
    for (const { name, count, packet: packetOf, suffix } of kinds) {
      const protect = (input, out) => (suffix ? sender.protectRtcp(input, out) : sender.protect(input, out));
      const unprotect = (input, out) => (suffix ? receiver.unprotectRtcp(input, out) : receiver.unprotect(input, out));
      for (let i = 0; i < count; i++) {
        const packet = packetOf(i);
        const sealed = made(protect, packet);
        const changed = sealed.slice();
        changed[changed.length - 5] ^= 1;
        const { error } = await call(`unprotect${suffix}`, 'in', changed);
        if (!/authentication failure/i.test(error ?? '')) throw new Error(`a changed packet: ${error}`);
        const opened = await call(`unprotect${suffix}`, 'in', sealed);
        mustEqual(Buffer.from(opened.packet ?? opened.error, 'hex'), packet, `${name} ${i} to libsrtp`);

        const { packet: hex, error: failed } = await call(`protect${suffix}`, 'out', packet);
        if (failed !== undefined) throw new Error(`libsrtp does not protect: ${failed}`);
        const theirPacket = new Uint8Array(Buffer.from(hex, 'hex'));
        const bad = theirPacket.slice();
        bad[bad.length - 5] ^= 1;
        const out = new Uint8Array(bad.length);
        if (unprotect(bad, out) !== BAD_TAG) throw new Error('a changed packet of libsrtp is not BAD_TAG');
        mustEqual(made(unprotect, theirPacket), packet, `${name} ${i} from libsrtp`);
        if (unprotect(theirPacket, out) !== REPLAYED) throw new Error('a copy is not REPLAYED');
      }
    }
    return `${RTP_PACKETS} RTP and ${RTCP_PACKETS} RTCP packets each way, and as many changed ones refused`;
  } finally {
    child.kill('SIGKILL');
  }
}
