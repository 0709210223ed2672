/** Runs in the browser: one call after the other between two peer connections of the page, and posts the result of each. */

const CONFIG = {
  encryptionMode: 'AES_128_GCM2',
  encryptionKey: 'a1'.repeat(32),
  encryptionKdfSalt: btoa(String.fromCharCode(...new Uint8Array(32).fill(7))),
  context: 'call a>b',
};
const WRONG = { key: { encryptionKey: 'b2'.repeat(32) }, context: { context: 'call b>a' } };

/** The browser's made-up microphone. */
let tone;

main().then(
  () => fetch('/done', { method: 'POST', body: '{}' }),
  (error) => fetch('/done', { method: 'POST', body: JSON.stringify({ failed: `${error?.stack ?? error}` }) }),
);

async function main() {
  // Pages that use devices get candidates of all interfaces, loopback among them.
  tone = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];
  const { cases } = await (await fetch('/cases')).json();
  for (const each of cases) {
    const observed = await call(each).catch((error) => ({ failed: `${error}` }));
    await fetch('/case', { method: 'POST', body: JSON.stringify({ name: each.name, ...observed }) });
  }
}

/** One call of `seconds`: sends one track, sealed, and opens it. */
async function call({ codec, seconds, wrong, rotate, startCodes, width = 640, bitrate, scalability }) {
  const capabilities = RTCRtpSender.getCapabilities(kindOf(codec)).codecs.filter(({ mimeType }) => mimeType === codec);
  // Packetization mode 0 of H.264 cannot carry sealed frames.
  const usable = capabilities.filter(
    ({ sdpFmtpLine = '' }) => codec !== 'video/H264' || /packetization-mode=1/.test(sdpFmtpLine),
  );
  if (usable.length === 0) return { skipped: 'the browser does not offer this codec' };

  const worker = new Worker('/worker.js', { type: 'module' });
  const asked = () =>
    new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage({ ask: true });
    });
  worker.postMessage({ make: 'sender', config: CONFIG });
  worker.postMessage({ make: 'receiver', config: { ...CONFIG, ...WRONG[wrong] } });
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  b.ontrack = ({ receiver, track }) => {
    receiver.transform = new RTCRtpScriptTransform(worker, { role: 'open', channel: 'receiver', startCodes });
    play(track);
  };
  const track = kindOf(codec) === 'audio' ? tone.clone() : picture(width);
  const encoding = {
    ...(bitrate ? { maxBitrate: bitrate } : {}),
    ...(scalability ? { scalabilityMode: scalability } : {}),
  };
  const transceiver = a.addTransceiver(track, { direction: 'sendonly', sendEncodings: [encoding] });
  transceiver.setCodecPreferences?.(usable);
  transceiver.sender.transform = new RTCRtpScriptTransform(worker, { role: 'seal', channel: 'sender', startCodes });
  await a.setLocalDescription();
  await gathered(a);
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await gathered(b);
  await a.setRemoteDescription(b.localDescription);
  await connected(a);
  const startedMs = performance.now();
  await sleep(rotate ? 500 * seconds : 0);
  if (rotate) worker.postMessage({ rotate: { ...CONFIG, encryptionKey: 'c3'.repeat(32), keyId: 1 } });
  await sleep((rotate ? 500 : 1000) * seconds);
  const stats = { ...(await statsOf(a, 'outbound-rtp')), ...(await statsOf(b, 'inbound-rtp')) };
  const told = await asked();
  for (const end of [a, b]) end.close();
  track.stop();
  worker.terminate();
  return { seconds: (performance.now() - startedMs) / 1000, ...told, stats };
}

function kindOf(codec) {
  return codec.slice(0, codec.indexOf('/'));
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Until all candidates are in the local description. */
async function gathered(connection) {
  for (let i = 0; i < 100 && connection.iceGatheringState !== 'complete'; i++) await sleep(50);
}

async function connected(connection) {
  for (let i = 0; i < 100; i++) {
    if (connection.connectionState === 'connected') return;
    await sleep(100);
  }
  throw new Error(`no connection: ${connection.connectionState}, ICE ${connection.iceConnectionState}`);
}

/** A moving picture with enough detail to need a high bit rate. */
function picture(width) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, (width * 9) / 16];
  document.body.append(canvas);
  const context = canvas.getContext('2d');
  let frame = 0;
  const draw = () => {
    context.fillStyle = `hsl(${frame} 60% 40%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < 200; i++) {
      context.fillStyle = `hsl(${i * 7 + frame} 90% 60%)`;
      context.fillRect((i * 97 + frame * 5) % canvas.width, (i * 61 + frame * 3) % canvas.height, 24, 18);
    }
    frame++;
  };
  setInterval(draw, 33);
  return canvas.captureStream(30).getVideoTracks()[0];
}

/** A receiver decodes what is played. */
function play(track) {
  const element = document.createElement(track.kind);
  [element.autoplay, element.muted] = [true, track.kind === 'video'];
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  element.play().catch(() => {});
}

const WANTED = [
  ...['framesEncoded', 'framesSent', 'keyFramesEncoded', 'frameWidth', 'packetsSent'],
  ...['framesReceived', 'framesDecoded', 'keyFramesDecoded', 'pliCount', 'packetsReceived', 'packetsLost'],
  ...['totalAudioEnergy', 'totalSamplesReceived', 'concealedSamples', 'silentConcealedSamples'],
];

async function statsOf(connection, type) {
  const found = {};
  for (const report of (await connection.getStats()).values()) {
    if (report.type !== type) continue;
    for (const name of WANTED) if (report[name] !== undefined) found[name] = report[name];
  }
  return found;
}
