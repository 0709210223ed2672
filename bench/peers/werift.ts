/** werift-rtp's SRTP (RFC 7714, AES-128 only), on node:crypto: another way to protect the same RTP packet. */
import { randomBytes } from 'node:crypto';
import type { Peer } from './peer.js';
import { numbered } from './srtp.js';

const PACKETS = 'werift-rtp SRTP';
const HEADER_KEPT = 'werift-rtp SRTP, header kept';

/** From a packet's bytes, as ours; werift parses the header first. */
export const werift: Peer = peer(PACKETS);
/** From a parsed header, in which only the sequence number changes. */
export const weriftKept: Peer = peer(HEADER_KEPT);

function peer(name: typeof PACKETS | typeof HEADER_KEPT): Peer {
  return {
    name,
    module: 'werift-rtp',
    async prepare(task) {
      if (task.cipher !== 'aes-128-gcm') return undefined;
      if (task.kind !== 'srtp' && (name === HEADER_KEPT || (task.kind !== 'packet' && task.kind !== 'sender')))
        return undefined;
      const { SrtpSession, RtpPacket, ProtectionProfileAeadAes128Gcm: profile } = await import('werift-rtp');
      type Session = InstanceType<typeof SrtpSession>;
      const [key, salt] = [randomBytes(16), randomBytes(12)];
      const keys = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
      const create = () => new SrtpSession({ keys, profile });
      const { header, payload } = RtpPacket.deSerialize(Buffer.from(task.packet));
      const next = numbered(task.packet);
      let sequence = 0;
      const sealKept = (session: Session) => {
        header.sequenceNumber = sequence = (sequence + 1) & 0xffff;
        return session.encrypt(payload, header);
      };
      const sealBytes = (session: Session) => {
        sequence = (sequence + 1) & 0xffff;
        const { buffer, byteOffset, length } = next(sequence);
        const packet = RtpPacket.deSerialize(Buffer.from(buffer, byteOffset, length));
        return session.encrypt(packet.payload, packet.header);
      };
      // `rtp` rows are about sealing: there the header is the sender's own.
      const seal = task.kind === 'srtp' && name === PACKETS ? sealBytes : sealKept;
      const made = () => {
        sequence = 0;
        return { opened: [create().decrypt(seal(create()))] };
      };
      if (task.kind === 'sender') return { run: create, made };
      const [sender, receiver] = [create(), create()];
      if (task.operation === 'seal') return { run: () => seal(sender), made };
      if (name === HEADER_KEPT) return undefined;
      let sealed: Buffer[] = [];
      let at = 0;
      return {
        before: (calls) => {
          sealed = Array.from({ length: calls }, () => seal(sender));
          at = 0;
        },
        run: () => receiver.decrypt(sealed[at++]!),
        made,
      };
    },
  };
}
