/** werift-rtp, which has AEAD_AES_128_GCM alone: RTP and RTCP both ways. */
import { SrtpReceiver, SrtpSender } from '../../../dist/bundle/srtp/index.js';
import { made, mustEqual, randomKeys, rtcpPacket, rtpPacket } from './packets.mjs';

const RTP_PACKETS = 200;
const RTCP_PACKETS = 100;

export async function werift(suite) {
  if (suite !== 'AEAD_AES_128_GCM') return undefined;
  const { ProtectionProfileAeadAes128Gcm: profile, RtpPacket, SrtcpSession, SrtpSession } = await import('werift-rtp');
  const [ours, theirs] = [randomKeys(suite), randomKeys(suite)];
  const keys = {
    localMasterKey: Buffer.from(theirs.masterKey),
    localMasterSalt: Buffer.from(theirs.masterSalt),
    remoteMasterKey: Buffer.from(ours.masterKey),
    remoteMasterSalt: Buffer.from(ours.masterSalt),
  };
  const [srtp, srtcp] = [new SrtpSession({ keys, profile }), new SrtcpSession({ keys, profile })];
  const [sender, receiver] = [new SrtpSender(ours), new SrtpReceiver(theirs)];
  for (let i = 0; i < RTP_PACKETS; i++) {
    const packet = rtpPacket(i);
    const sealed = made((input, out) => sender.protect(input, out), packet);
    mustEqual(srtp.decrypt(Buffer.from(sealed)), packet, `RTP ${i} to werift`);
    const { header, payload } = RtpPacket.deSerialize(Buffer.from(packet));
    const opened = made((input, out) => receiver.unprotect(input, out), new Uint8Array(srtp.encrypt(payload, header)));
    mustEqual(opened, packet, `RTP ${i} from werift`);
  }
  for (let i = 0; i < RTCP_PACKETS; i++) {
    const packet = rtcpPacket(i);
    const sealed = made((input, out) => sender.protectRtcp(input, out), packet);
    mustEqual(srtcp.decrypt(Buffer.from(sealed)), packet, `RTCP ${i} to werift`);
    const theirPacket = new Uint8Array(srtcp.encrypt(Buffer.from(packet)));
    mustEqual(
      made((input, out) => receiver.unprotectRtcp(input, out), theirPacket),
      packet,
      `RTCP ${i} from werift`,
    );
  }
  return `${RTP_PACKETS} RTP and ${RTCP_PACKETS} RTCP packets each way`;
}
