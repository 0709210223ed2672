/** Two peer connections of one page: what a page and its signalling do, without the signalling. */

const CONNECT_LIMIT_MS = 10_000;
/** Codecs with rules in frameseal/webrtc, the most common first, by their media types. */
const CODECS = { vp8: 'video/VP8', vp9: 'video/VP9', h264: 'video/H264', av1: 'video/AV1' };

/** The codecs of video that the browser can send: `{ name, label }`. */
export function videoCodecs() {
  return Object.entries(CODECS)
    .filter(([name]) => capabilitiesOf(name).length > 0)
    .map(([name, mimeType]) => ({ name, label: mimeType.replace('video/', '') }));
}

function capabilitiesOf(codec) {
  const { codecs } = RTCRtpSender.getCapabilities('video');
  return codecs.filter(
    ({ mimeType, sdpFmtpLine = '' }) =>
      mimeType === CODECS[codec] &&
      // Packetization mode 0 of H.264 has no fragments, and cannot carry sealed frames.
      (codec !== 'h264' || sdpFmtpLine.includes('packetization-mode=1')),
  );
}

export class Call {
  #worker;
  #codec;
  #turn = 0;
  #sending = new RTCPeerConnection();
  #receiving = new RTCPeerConnection();
  /** What the receiver plays. */
  played = new MediaStream();

  constructor(worker, codec) {
    this.#worker = worker;
    this.#codec = codec;
  }

  /** Until the two ends are connected; throws where they do not. */
  async start(stream) {
    this.#receiving.ontrack = ({ receiver, track }) => {
      receiver.transform = this.#transform('open', track.kind);
      this.played.addTrack(track);
    };
    for (const track of stream.getTracks()) {
      const transceiver = this.#sending.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
      if (track.kind === 'video') transceiver.setCodecPreferences(capabilitiesOf(this.#codec));
      transceiver.sender.transform = this.#transform('seal', track.kind);
    }
    await this.#negotiate();
    await connected(this.#sending);
  }

  /** Opens with the channel that the worker has now. Returns a number that distinguishes its statuses from older ones. */
  openAnew() {
    this.#turn++;
    for (const receiver of this.#receiving.getReceivers())
      receiver.transform = this.#transform('open', receiver.track.kind);
    return this.#turn;
  }

  /** Has the encoder make a key frame, for receivers that come in with a new key. Chromium's workers cannot: its page can. */
  async askForKeyFrame() {
    for (const sender of this.#sending.getSenders()) {
      if (sender.track?.kind !== 'video') continue;
      const parameters = sender.getParameters();
      const encodingOptions = parameters.encodings.map(() => ({ keyFrame: true }));
      await sender.setParameters(parameters, { encodingOptions }).catch(() => {});
    }
  }

  close() {
    this.#sending.close();
    this.#receiving.close();
  }

  #transform(role, kind) {
    const codec = kind === 'audio' ? 'opus' : this.#codec;
    return new RTCRtpScriptTransform(this.#worker, { role, codec, turn: this.#turn });
  }

  async #negotiate() {
    const [a, b] = [this.#sending, this.#receiving];
    a.onicecandidate = ({ candidate }) => b.addIceCandidate(candidate ?? undefined).catch(() => {});
    b.onicecandidate = ({ candidate }) => a.addIceCandidate(candidate ?? undefined).catch(() => {});
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
  }
}

function connected(connection) {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`The two ends do not connect: ICE is ${connection.iceConnectionState}.`));
    const limit = setTimeout(fail, CONNECT_LIMIT_MS);
    const look = () => {
      if (connection.connectionState === 'failed') fail();
      if (connection.connectionState !== 'connected') return;
      clearTimeout(limit);
      resolve();
    };
    connection.addEventListener('connectionstatechange', look);
    look();
  });
}
