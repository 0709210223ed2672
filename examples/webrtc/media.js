/** What the sender sends: camera and microphone, or an animation with sound where there are none. */

const SIZE = { width: 960, height: 540 };
const FRAMES_PER_SECOND = 30;
/** A pentatonic scale: whatever follows, it sounds well. */
const NOTES_HZ = [220, 261.6, 293.7, 329.6, 392, 440];
const NOTE_SECONDS = 0.6;
const VOLUME = 0.12;

/** Returns `{ stream, about, stop }`; never throws for a device that is missing or refused. */
export async function openMedia() {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: SIZE, audio: true });
    return { stream, about: 'camera and microphone', stop: () => stopTracks(stream) };
  } catch {
    return animation();
  }
}

function animation() {
  const canvas = Object.assign(document.createElement('canvas'), SIZE);
  const context = canvas.getContext('2d');
  const startMs = performance.now();
  draw(context, 0);
  const timer = setInterval(() => draw(context, (performance.now() - startMs) / 1000), 1000 / FRAMES_PER_SECOND);
  const sound = tones();
  const stream = new MediaStream([
    ...canvas.captureStream(FRAMES_PER_SECOND).getTracks(),
    ...sound.stream.getAudioTracks(),
  ]);
  const stop = () => {
    clearInterval(timer);
    sound.stop();
    stopTracks(stream);
  };
  return { stream, about: 'an animation, because no camera can be used', stop };
}

function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** Ribbons of light, and a clock, so that a delay or a stop is seen. */
function draw(context, seconds) {
  const { width, height } = context.canvas;
  const sky = context.createLinearGradient(0, 0, width, height);
  sky.addColorStop(0, `hsl(${222 + 14 * Math.sin(seconds / 5)} 58% 18%)`);
  sky.addColorStop(1, `hsl(${268 + 18 * Math.sin(seconds / 7)} 52% 30%)`);
  context.globalCompositeOperation = 'source-over';
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = 'lighter';
  for (let ribbon = 0; ribbon < 4; ribbon++) drawRibbon(context, ribbon, seconds);
  context.globalCompositeOperation = 'source-over';
  context.fillStyle = 'rgb(255 255 255 / .92)';
  context.textAlign = 'center';
  context.font = '600 76px system-ui, "DejaVu Sans", sans-serif';
  context.fillText(`${seconds.toFixed(1)} s`, width / 2, height / 2 + 14);
  context.font = '22px system-ui, "DejaVu Sans", sans-serif';
  context.fillStyle = 'rgb(255 255 255 / .72)';
  context.fillText('an animation in place of a camera', width / 2, height / 2 + 54);
}

function drawRibbon(context, ribbon, seconds) {
  const { width, height } = context.canvas;
  const middle = height * (0.3 + 0.15 * ribbon);
  const crest = (x) =>
    middle +
    46 * Math.sin(x / 150 + seconds * (0.9 + 0.2 * ribbon) + ribbon) +
    24 * Math.sin(x / 61 - seconds * 1.3 + 2 * ribbon);
  context.beginPath();
  context.moveTo(0, height);
  for (let x = 0; x <= width; x += 12) context.lineTo(x, crest(x));
  context.lineTo(width, height);
  context.fillStyle = `hsl(${206 + 26 * ribbon} 80% 52% / .17)`;
  context.fill();
}

/** A slow melody of soft tones. */
function tones() {
  const audio = new AudioContext();
  const target = audio.createMediaStreamDestination();
  const volume = audio.createGain();
  const oscillator = audio.createOscillator();
  oscillator.connect(volume).connect(target);
  oscillator.start();
  let notes = 0;
  const play = () => {
    const now = audio.currentTime;
    oscillator.frequency.setValueAtTime(NOTES_HZ[(notes++ * 7 + (notes >> 2)) % NOTES_HZ.length], now);
    volume.gain.setValueAtTime(0.0001, now);
    volume.gain.exponentialRampToValueAtTime(VOLUME, now + 0.04);
    volume.gain.exponentialRampToValueAtTime(0.0001, now + 0.9 * NOTE_SECONDS);
  };
  play();
  const timer = setInterval(play, 1000 * NOTE_SECONDS);
  const stop = () => {
    clearInterval(timer);
    audio.close();
  };
  return { stream: target.stream, stop };
}
