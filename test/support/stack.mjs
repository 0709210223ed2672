/**
 * Calls the library at the end of the stack, on the build, a few bytes further from it each time until nothing throws any
 * more; prints what was wrong afterwards. Run by test/channel/stack.test.ts as
 *
 *     node stack.mjs ENGINE FRAMING
 *
 * What must hold: an out is untouched or a right frame, later calls are right, no KID and CTR come twice, closing leaves no
 * key. The judges are channels of their own: they open what was sealed, once each.
 */
import { enableEncryptionWith } from '../../dist/channel/channel.js';
import { FrameJob } from '../../dist/engine/engine.js';
import { pickEngine } from '../../dist/engine/pick.js';
import { enableEncryption, REPLAYED, UNFINISHED, UNKNOWN_KEY } from '../../dist/index.js';

const [, , engineName, framing] = process.argv;
const UNTOUCHED = 0xee;
const STEPS = 600;
/** This number of steps in a row without an exception is the end. */
const CALM = 24;
const BATCH = 12;

/** The nearer to the stack's end, the fewer levels are left; two unused arguments take 16 bytes of stack. */
const PADS = Array.from({ length: 8 }, (_, i) => new Array(2 * i).fill(0));
function call() {
  this.action();
}
function dive(state) {
  try {
    dive(state);
  } catch (error) {
    if (state.done) throw error;
    state.up = 0;
  }
  if (state.done || state.up++ < state.skip) return;
  state.done = true;
  try {
    Reflect.apply(call, state, state.pad);
  } catch (error) {
    state.error = error;
  }
}
/** Runs an action, `step` small steps away from the stack's end; gives what it threw. */
function nearTheEnd(step, action) {
  const state = { action, skip: step >> 3, pad: PADS[7 - (step & 7)], up: 0, done: false, error: undefined };
  try {
    dive(state);
  } catch {
    // The way back from the end.
  }
  return state.error;
}

const settings = (mode, keyId) => ({
  encryptionMode: mode,
  encryptionKey: Buffer.alloc(32, 17 + keyId),
  ...(mode === 'SM4_128_ECB' ? {} : { encryptionKdfSalt: Buffer.alloc(32, 7), keyId }),
});
const AES = 'AES_128_GCM2';
const input = Uint8Array.from({ length: 200 }, (_, i) => (i === 0 ? 0x80 : i));
const INPUTS = Array(BATCH).fill(input);
const engine = pickEngine(engineName);
console.warn = () => {};
const systemSessions = (words) => {
  crypto.getRandomValues(words);
  return 0;
};

const counts = {};
const wrong = new Map();
let where = '';
function fail(what) {
  wrong.set(`${where}: ${what}`, (wrong.get(`${where}: ${what}`) ?? 0) + 1);
}
process.on('uncaughtException', (error) => fail(`uncaught: ${error.message}`));

const enable = (mode, keyId) => enableEncryption(settings(mode, keyId), { framing, engine: engineName });
const judges = [3, 4].map((keyId) => enable(AES, keyId).createOpener());
const peer = enable(AES, 3);
const known = peer.createSealer();
const others = ['AES_256_GCM2', 'SM4_128_ECB'].map((mode) => [
  enable(mode, 3).createSealer(),
  enable(mode, 3).createOpener(),
]);

/** A channel under test, with all keys that it has. */
function newWorld() {
  const keys = [];
  const watched = {
    ...engine,
    createGcmKey: (keyBytes) => {
      const key = engine.createGcmKey(keyBytes);
      keys.push(key);
      return key;
    },
  };
  return { keys, channel: enableEncryptionWith(settings(AES, 3), { framing }, systemSessions, watched) };
}

function hasKey(key) {
  const job = new FrameJob();
  job.output = new Uint8Array(16);
  try {
    key.seal(job);
    return true;
  } catch {
    return false;
  }
}

const newOut = () => new Uint8Array(300).fill(UNTOUCHED);
const isUntouched = (out) => out.every((byte) => byte === UNTOUCHED);
const holds = (out, content) =>
  out.subarray(0, content.length).every((byte, i) => byte === content[i]) && isUntouched(out.subarray(content.length));

/** The length of the frame in an out, if it is untouched after it and the judges open it. */
function isFrame(out, keyId) {
  const length = out.findLastIndex((byte) => byte !== UNTOUCHED) + 1;
  for (let more = 0; more < 4; more++) {
    const opened = newOut();
    const result = judges[keyId - 3].open(out.subarray(0, length + more), opened);
    if (result === input.length && holds(opened, input)) return length + more;
  }
  return -1;
}

function checkSealed(channel, outs, results, batchThrew) {
  for (const [i, out] of outs.entries()) {
    const result = results[i];
    if (isUntouched(out)) {
      if (result >= 0) fail('success over an untouched out');
    } else {
      const length = isFrame(out, channel.keyId);
      if (length < 0 || (result >= 0 && result !== length)) fail('an out holds no right frame');
    }
    if (result < 0 && result !== UNFINISHED) fail(`result ${result}`);
    if (result === UNFINISHED && !batchThrew) fail('UNFINISHED without an exception');
  }
}

function checkOpened(outs, results, threw) {
  for (const [i, out] of outs.entries()) {
    if (results[i] >= 0 ? results[i] !== input.length || !holds(out, input) : !isUntouched(out) && !holds(out, input)) {
      fail('an out holds no right plaintext');
    }
    if (results[i] < 0 && !(threw && results[i] === UNFINISHED)) fail(`result ${results[i]}`);
  }
}

function sealsOn(channel, sealer) {
  for (let i = 0; i < 3; i++) {
    const out = newOut();
    if (isFrame(out.fill(UNTOUCHED), channel.keyId) >= 0 || sealer.seal(input, out) !== isFrame(out, channel.keyId)) {
      fail('a later seal is wrong');
    }
  }
}

function opens(opener, frame) {
  const out = newOut();
  const result = opener.open(frame, out);
  if (result < 0 ? !isUntouched(out) : !holds(out, input)) fail('a later open is wrong');
  return result;
}

function opensOn(opener, ...sealers) {
  const fresh = peer.createSealer();
  for (const sealer of [...sealers, fresh, fresh]) {
    const result = opens(opener, sealer.sealCopy(input));
    if (result < 0) fail(`a later frame of a genuine sender: ${result}`);
  }
  fresh.close();
}

/** Frames that were opened are REPLAYED; the others open, unless their out was written. */
function opensAgain(opener, frames, outs, results) {
  for (const [i, frame] of frames.entries()) {
    const result = opens(opener, frame);
    const expected = results[i] >= 0 ? [REPLAYED] : isUntouched(outs[i]) ? [input.length] : [input.length, REPLAYED];
    if (!expected.includes(result)) fail(`again, a frame that gave ${results[i]}: ${result}`);
  }
}

function closes({ keys, channel }) {
  try {
    channel.close();
  } catch (error) {
    fail(`close throws ${error.message}`);
  }
  if (keys.some(hasKey)) fail('a key outlives its channel');
  for (const [sealer, opener] of others) {
    const [sealed, opened] = [newOut(), newOut()];
    const length = sealer.seal(input, sealed);
    if (opener.open(sealed.subarray(0, length), opened) !== input.length || !holds(opened, input)) {
      fail('another channel noticed');
    }
  }
}

/** By name: takes a world and gives what is called near the end, and what is checked then. */
const SCENARIOS = {
  seal: sealing(1, (sealer, outs, results) => {
    results[0] = sealer.seal(input, outs[0]);
  }),
  sealBatch: sealing(BATCH, (sealer, outs, results) => sealer.sealBatch(INPUTS, outs, results)),
  open: opening(1, (opener, frames, outs, results) => {
    results[0] = opener.open(frames[0], outs[0]);
  }),
  openBatch: opening(BATCH, (opener, frames, outs, results) => {
    opener.openBatch(frames, outs, results);
  }),
  createSealer: (world) => {
    let sealer;
    return {
      act: () => {
        sealer = world.channel.createSealer();
      },
      check: () => sealsOn(world.channel, sealer ?? world.channel.createSealer()),
    };
  },
  close: (world) => {
    const sealer = world.channel.createSealer();
    opensOn(world.channel.createOpener(), known);
    return {
      act: () => world.channel.close(),
      check: (error) => error === undefined && sealer.seal(input, newOut()) >= 0 && fail('sealed when closed'),
    };
  },
  rotate: rotation,
};

function sealing(count, act) {
  return ({ channel }) => {
    const sealer = channel.createSealer();
    const outs = Array.from({ length: count }, newOut);
    const results = new Int32Array(count).fill(UNFINISHED);
    return {
      act: () => act(sealer, outs, results),
      check: (error) => {
        checkSealed(channel, outs, results, error !== undefined);
        sealsOn(channel, sealer);
      },
    };
  };
}

function opening(count, act) {
  return ({ channel }) => {
    const opener = channel.createOpener();
    const senders = [peer.createSealer(), known, peer.createSealer()];
    opens(opener, known.sealCopy(input));
    const frames = Array.from({ length: count }, (_, i) => senders[i % 3].sealCopy(input));
    const outs = frames.map(newOut);
    const results = new Int32Array(count).fill(UNFINISHED);
    return {
      act: () => act(opener, frames, outs, results),
      check: (error) => {
        checkOpened(outs, results, error !== undefined);
        opensAgain(opener, frames, outs, results);
        opensOn(opener, ...senders);
        for (const sender of [senders[0], senders[2]]) sender.close();
      },
    };
  };
}

/** Worlds that have rotated, until what may still run then has run: a second. */
const rotated = [];

function rotation(world) {
  const { channel, keys } = world;
  const sealer = channel.createSealer();
  const opener = channel.createOpener();
  const before = keys.length;
  opensOn(opener, known);
  const rotate = () => channel.rotate(settings(AES, 4), { graceMs: 0 });
  return {
    act: rotate,
    check: (error) => {
      if (channel.keyId === 3) {
        if (error === undefined) fail('no rotation, and no exception');
        opensOn(opener, known);
        sealsOn(channel, sealer);
        rotate();
      }
      if (opens(opener, known.sealCopy(input)) >= 0) fail('the old key opens');
      sealsOn(channel, sealer);
      const openerKeys = keys.slice(before);
      rotated.push({ world, opener, openerKeys });
    },
    lasts: true,
  };
}

for (const [name, begin] of Object.entries(SCENARIOS)) {
  where = name;
  const count = { calls: 0, thrown: 0, calm: 0 };
  // The first call is far from the end: what runs there for the first time would be compiled, which takes much stack.
  for (let step = -1; step < STEPS && count.calm < CALM; step++) {
    const world = newWorld();
    const { act, check, lasts } = begin(world);
    const error = step < 0 ? call.call({ action: act }) : nearTheEnd(step, act);
    if (error !== undefined && !(error instanceof RangeError)) fail(`another exception: ${error.message}`);
    count.calls++;
    if (error !== undefined) count.thrown++;
    count.calm = error === undefined && step >= 0 ? count.calm + 1 : 0;
    try {
      check(error);
    } catch (later) {
      fail(`a later call throws ${later.stack}`);
    }
    if (!lasts) closes(world);
  }
  counts[name] = count;
}

where = 'rotate, later';
setTimeout(() => {
  for (const { world, opener, openerKeys } of rotated) {
    if (openerKeys.some(hasKey)) fail('a key outlives its rotation');
    if (opens(opener, known.sealCopy(input)) !== UNKNOWN_KEY) fail('the old key is still known');
    closes(world);
  }
  console.log(JSON.stringify({ counts, wrong: Object.fromEntries(wrong) }));
}, 1100);
