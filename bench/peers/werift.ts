/** werift-rtp's SRTP (RFC 7714, AES-128 only), on node:crypto: another way to protect the same RTP packet. */
import { randomBytes } from 'node:crypto';
import type { Peer } from './peer.js';

export const werift: Peer = {
  name: 'werift-rtp SRTP',
  module: 'werift-rtp',
  async prepare(task) {
    if (task.cipher !== 'aes-128-gcm' || (task.kind !== 'packet' && task.kind !== 'sender')) return undefined;
    const { SrtpSession, RtpPacket, ProtectionProfileAeadAes128Gcm: profile } = await import('werift-rtp');
    const [key, salt] = [randomBytes(16), randomBytes(12)];
    const keys = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
    const create = () => new SrtpSession({ keys, profile });
    const { header, payload } = RtpPacket.deSerialize(Buffer.from(task.packet));
    // As a sender would: the header is made anew for each packet; here only its sequence number changes.
    const seal = (session: InstanceType<typeof SrtpSession>) => {
      header.sequenceNumber = (header.sequenceNumber + 1) & 0xffff;
      return session.encrypt(payload, header);
    };
    const made = () => {
      header.sequenceNumber = 0;
      const opened = create().decrypt(seal(create()));
      return { opened: [opened] };
    };
    if (task.kind === 'sender') return { run: create, made };
    const [sender, receiver] = [create(), create()];
    if (task.operation === 'seal') return { run: () => seal(sender), made };
    let sealed: Buffer[] = [];
    let next = 0;
    return {
      before: (calls) => {
        sealed = Array.from({ length: calls }, () => seal(sender));
        next = 0;
      },
      run: () => receiver.decrypt(sealed[next++]!),
      made,
    };
  },
};
