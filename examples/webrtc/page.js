/** The page: buttons, and the states `idle`, `running`, `wrong` and `error`. */
import { generateKey, generateSalt } from 'frameseal';
import { Call, videoCodecs } from './call.js';
import { openMedia } from './media.js';
import { badge, byId, count, event, Line, pills, prints, wire } from './view.js';

const MODE = 'AES_128_GCM2';
const CONTEXT = 'frameseal example: a to b';
const KEY_IDS = 16;
const STATES = {
  idle: ['', 'not started'],
  starting: ['', 'connecting'],
  running: ['good', 'running'],
  wrong: ['bad', 'wrong key'],
  error: ['bad', 'error'],
};
const FIELDS = { encryptionKey: 'key', encryptionKdfSalt: 'salt' };

const lines = [new Line('sent', '\u2192'), new Line('opened', '\u2190')];
let worker;
/** Commands that the worker has not answered. */
let questions = [];
let call;
let media;
let keyId = 0;
/** Of the key that seals. */
let print;
/** Statuses of transforms before this one are old news. */
let turn = 0;
let counts = { sealed: 0, arrived: 0, opened: 0 };
let statuses = new Map();
/** Counts a second ago. */
let before = counts;

function show(state) {
  document.body.dataset.state = state;
  badge('state', ...STATES[state]);
  const isOn = state !== 'idle' && state !== 'error';
  const isConnected = state === 'running' || state === 'wrong';
  byId('start').textContent = isOn ? 'End the call' : 'Start the call';
  byId('start').toggleAttribute('data-on', isOn);
  for (const id of ['wrong', 'rotate', 'sound']) byId(id).disabled = !isConnected;
  for (const id of ['codec', 'generate']) byId(id).disabled = isOn;
  for (const id of ['key', 'salt']) byId(id).readOnly = isOn;
  byId('wrong').setAttribute('aria-pressed', String(state === 'wrong'));
  document.title = `${state === 'wrong' || state === 'error' ? '! ' : ''}frameseal call`;
}

function config(encryptionKey = byId('key').value.trim()) {
  const encryptionKdfSalt = byId('salt').value.trim();
  return { encryptionMode: MODE, encryptionKey, encryptionKdfSalt, keyId, context: CONTEXT };
}

/** Sends a command to the worker, which answers in order; throws an Error with the field at fault. */
function ask(command) {
  return new Promise((resolve, reject) => {
    questions.push({ resolve, reject });
    worker.postMessage(command);
  });
}

function hearWorker({ data }) {
  const { counts: newest, prints: both, sample, status, failed, done, refused } = data;
  if (newest) counts = newest;
  if (both) {
    prints(both);
    if (print !== undefined && print !== both.sender) call?.askForKeyFrame();
    print = both.sender;
  }
  if (sample) wire(sample);
  if (status) hear(status);
  if (done) questions.shift().resolve(done);
  if (refused) questions.shift().reject(Object.assign(new Error(refused.message), refused));
  if (failed) fail(new Error(failed));
}

async function start() {
  clear();
  show('starting');
  const mine = new Worker('worker.js', { type: 'module' });
  worker = mine;
  worker.onerror = () => fail(new Error('The worker does not start: look at the console.'));
  worker.onmessage = hearWorker;
  try {
    await ask({ command: 'make', end: 'sender', config: config() });
    const { mode, engine } = await ask({ command: 'make', end: 'receiver', config: config() });
    byId('about').textContent = `${mode}  \u00b7  engine ${engine}`;
    const opened = await openMedia();
    // The user may have ended the call while the browser asked for the camera.
    if (worker !== mine) return opened.stop();
    media = opened;
    play('local', media.stream);
    call = new Call(worker, byId('codec').value);
    await call.start(media.stream);
    if (worker !== mine) return;
    play('remote', call.played);
    show('running');
    event(`Connected: ${byId('codec').selectedOptions[0].text} and Opus from ${media.about}`);
  } catch (error) {
    if (worker === mine) fail(error);
  }
}

function play(id, stream) {
  byId(id).srcObject = stream;
  byId(id)
    .play()
    .catch(() => {});
}

/** Ends the call, also one that has only begun to start. */
function stop() {
  call?.close();
  media?.stop();
  worker?.terminate();
  [call, media, worker] = [];
  questions = [];
  print = undefined;
  for (const id of ['local', 'remote']) byId(id).srcObject = null;
  byId('remote').muted = true;
  byId('sound').setAttribute('aria-pressed', 'false');
  byId('mismatch').textContent = '';
  prints({});
}

/** Nothing of the call before is left. */
function clear() {
  counts = { sealed: 0, arrived: 0, opened: 0 };
  [before, statuses, turn] = [counts, new Map(), 0];
  byId('trouble').textContent = '';
  for (const id of Object.values(FIELDS)) {
    byId(id).removeAttribute('aria-invalid');
    byId(`${id}-fault`).textContent = '';
  }
}

function fail(error) {
  stop();
  show('error');
  const field = FIELDS[error.field];
  event(error.message, 'bad');
  if (field === undefined) {
    byId('trouble').textContent = error.message;
    return;
  }
  byId(field).setAttribute('aria-invalid', 'true');
  byId(`${field}-fault`).textContent = error.message;
  byId(field).focus();
}

/** What `onStatus` tells, from the worker. */
function hear({ role, turn: from, status, text, frames, mismatch }) {
  if (role === 'open' && from < turn) return;
  if (status >= 0) return event(`Frames are ${role === 'open' ? 'opened' : 'sealed'} again`);
  const name = text.split(/[: ]/, 1)[0];
  if (!statuses.has(name)) event(text, 'bad');
  statuses.set(name, (statuses.get(name) ?? 0) + frames);
  if (!mismatch || document.body.dataset.state === 'wrong') return;
  show('wrong');
  byId('mismatch').textContent =
    'The receiver has another key: no frame opens, all are dropped, and nothing is played. Compare the fingerprints.';
}

/** The receiver gets a channel with another key, or the right one again, and new transforms that open with it. */
async function toggleKey() {
  const isWrong = byId('wrong').getAttribute('aria-pressed') === 'true';
  byId('wrong').setAttribute('aria-pressed', String(!isWrong));
  try {
    await ask({ command: 'make', end: 'receiver', config: config(isWrong ? undefined : generateKey()) });
    turn = call.openAnew();
    event(isWrong ? 'The receiver has the right key again' : 'The receiver has a wrong key now');
    if (!isWrong) return;
    byId('mismatch').textContent = '';
    show('running');
  } catch (error) {
    fail(error);
  }
}

async function rotate() {
  // A receiver with a wrong key does not learn the new one.
  const ends = byId('wrong').getAttribute('aria-pressed') === 'true' ? ['sender'] : ['sender', 'receiver'];
  const [lastKey, lastId] = [byId('key').value, keyId];
  keyId = (keyId + 1) % KEY_IDS;
  byId('key').value = generateKey();
  try {
    await ask({ command: 'rotate', ends, config: config() });
    event(`A new key with id ${keyId}: it opens at once, and seals a moment later`);
  } catch (error) {
    // Too many keys within a few seconds, say: the call goes on with the last one.
    [byId('key').value, keyId] = [lastKey, lastId];
    event(error.message, 'bad');
  }
}

function toggleSound() {
  const isOn = byId('remote').muted;
  byId('remote').muted = !isOn;
  byId('sound').setAttribute('aria-pressed', String(isOn));
}

setInterval(() => {
  const { sealed, arrived, opened } = counts;
  byId('sealed').textContent = count(sealed);
  byId('opened').textContent = count(opened);
  byId('dropped').textContent = count(Math.max(0, arrived - opened));
  pills(statuses);
}, 250);

setInterval(() => {
  const rates = [counts.sealed - before.sealed, counts.opened - before.opened];
  before = counts;
  for (const [i, line] of lines.entries()) line.add(Math.max(0, rates[i]));
  const isOn = call !== undefined;
  byId('sent-rate').textContent = isOn ? `${count(rates[0])} sealed/s` : '';
  byId('opened-rate').textContent = isOn ? `${count(rates[1])} opened/s` : '';
}, 1000);

byId('start').onclick = () => {
  if (worker === undefined) return start();
  stop();
  show('idle');
  event('The call has ended');
};
byId('wrong').onclick = toggleKey;
byId('rotate').onclick = rotate;
byId('sound').onclick = toggleSound;
byId('generate').onclick = () => {
  byId('key').value = generateKey();
};
byId('form').onsubmit = (submit) => {
  submit.preventDefault();
  if (worker === undefined) start();
};

byId('key').value = generateKey();
byId('salt').value = generateSalt();
if (globalThis.RTCRtpScriptTransform === undefined) {
  fail(new Error('This browser has no encoded transforms in workers (RTCRtpScriptTransform): use a newer one.'));
  byId('start').disabled = true;
} else {
  byId('codec').append(...videoCodecs().map(({ name, label }) => new Option(label, name)));
}
