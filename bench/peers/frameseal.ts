/**
 * Our own engines, through the public classes; of this build, and of another one beside it.
 *
 * Each contestant has a copy of the whole package: a program has one engine, and V8 makes calls slower where it has seen
 * two.
 */
import { register } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Channel, EngineChoice, Sealer } from 'frameseal';
import { setAccelerationFlags } from 'frameseal-cli/acceleration';
import type { Cipher, Peer, Task, Work } from './peer.js';
import { numbered, srtpWork } from './srtp.js';
import { inTurn, type JobsOfKey, workOf } from './work.js';

type Frameseal = typeof import('frameseal') &
  Pick<typeof import('frameseal/aead'), 'AesGcm' | 'Sm4Ecb'> & {
    /** Apart, because another checkout may have none. */
    loadSrtp(): Promise<typeof import('frameseal/srtp')>;
  };

/** A build of frameseal, loaded once more, and the engine that a contestant asks it for. */
interface Copy {
  readonly frameseal: Frameseal;
  readonly engine: EngineChoice;
}

/** The folder of the library that is measured. */
export const ROOT = dirname(fileURLToPath(import.meta.resolve('frameseal/package.json')));

const MODES = { 'aes-128-gcm': 'AES_128_GCM2', 'aes-256-gcm': 'AES_256_GCM2', 'sm4-ecb': 'SM4_128_ECB' } as const;

/** Hands the query of an importing module on to what it imports from the same dist. */
const HOOK = `export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  const { search } = new URL(context.parentURL ?? 'file:///');
  const isOurs = search.startsWith('?copy=') && specifier.startsWith('.');
  return isOurs ? { ...found, url: found.url + search } : found;
}`;

/** The engine of this platform, in words for people. */
export async function engineName(): Promise<string> {
  const form = (await hasRelaxed()) ? 'relaxed SIMD' : 'SIMD';
  const { engine } = channelOf({ frameseal: await loadCopy(ROOT, 'name'), engine: 'auto' }, 'aes-128-gcm', 'rtp');
  return engine === 'simd' ? `simd (WebAssembly, ${form})` : engine;
}

/** Contestants of frameseal, the default first; with `base`, the folder of another built checkout, also its contestants. */
export async function ours(base?: string): Promise<Peer[]> {
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
  const peers: Peer[] = [
    peer('frameseal', async () => ({ frameseal: await loadCopy(ROOT, 'default'), engine: 'auto' })),
    oneByOne,
    sealer,
    peer('frameseal portable', async () => ({ frameseal: await loadCopy(ROOT, 'portable'), engine: 'portable' })),
  ];
  if (await hasRelaxed()) peers.push(peer('frameseal, plain SIMD', loadPlain));
  if (base !== undefined)
    peers.push(peer('base', async () => ({ frameseal: await loadCopy(base, 'base'), engine: 'auto' })));
  // The last: the flags count for what is compiled from then on, and the others are compiled by then.
  peers.push(accelerated);
  return peers;
}

async function loadCopy(root: string, name: string): Promise<Frameseal> {
  const load = (file: string) => import(`${pathToFileURL(`${root}/dist/${file}`).href}?copy=${name}`);
  return { ...(await load('index.js')), ...(await load('aead.js')), loadSrtp: () => load('srtp/index.js') };
}

/** The engine of platforms without relaxed SIMD, where it is the default. */
async function loadPlain(): Promise<Copy> {
  const frameseal = await loadCopy(ROOT, 'plain');
  const load = (file: string) => import(`${pathToFileURL(`${ROOT}/dist/engine/${file}`).href}?copy=plain`);
  const { useSimdEngine } = await load('pick.js');
  const { compileModule, createSimdEngine } = await load('simd/simd.js');
  const { plainForm } = await load('simd/forms.js');
  useSimdEngine(createSimdEngine(compileModule(plainForm)));
  return { frameseal, engine: 'simd' };
}

async function hasRelaxed(): Promise<boolean> {
  const { hasSimd, relaxedForm } = await import(pathToFileURL(`${ROOT}/dist/engine/simd/forms.js`).href);
  return hasSimd(relaxedForm);
}

function peer(name: string, load: () => Promise<Copy>): Peer {
  return {
    name,
    async prepare(task) {
      const copy = await load();
      switch (task.kind) {
        case 'frame':
        case 'keys':
          return workOf(task, (key) => jobsOf(keyOf(copy, task.cipher, key)));
        case 'buffer':
          return bufferWork(task, copy);
        case 'batch':
          return batchWork(task, copy, (sealer, inputs, outs, results) => sealer.sealBatch(inputs, outs, results));
        case 'packet':
          return task.operation === 'seal' ? sealWork(task, copy) : openWork(task, copy, 1);
        case 'srtp':
          return srtpWork(task, await copy.frameseal.loadSrtp(), copy.engine);
        case 'senders':
          return openWork(task, copy, task.count);
        case 'key':
          return {
            run: () => keyOf(copy, task.cipher, task.key).destroy(),
            made: () =>
              workOf({ ...task, kind: 'frame', operation: 'seal' }, (key) =>
                jobsOf(keyOf(copy, task.cipher, key)),
              )!.made(),
          };
        case 'sender':
          return senderWork(task, copy);
      }
    },
  };
}

/** With V8's flags, as the gateway runs; nothing where this Node has none. */
const accelerated: Peer = {
  name: 'frameseal, accelerated',
  async prepare(task) {
    if (!setAccelerationFlags()) return undefined;
    const frameseal = await loadCopy(ROOT, 'accelerated');
    const { useAcceleratedEngine } = await import(
      `${pathToFileURL(`${ROOT}/dist/accelerated.js`).href}?copy=accelerated`
    );
    useAcceleratedEngine();
    return peer('', async () => ({ frameseal, engine: 'simd' })).prepare(task);
  },
};

/** A batch by as many calls of Sealer.seal. */
const oneByOne: Peer = {
  name: 'frameseal, one by one',
  async prepare(task) {
    if (task.kind !== 'batch') return undefined;
    const copy: Copy = { frameseal: await loadCopy(ROOT, 'single'), engine: 'auto' };
    return batchWork(task, copy, (sealer, inputs, outs, results) => {
      for (let i = 0; i < inputs.length; i++) results[i] = sealer.seal(inputs[i]!, outs[i]!);
    });
  },
};

/** What protecting is held against: Sealer.seal of the same packets. */
const sealer: Peer = {
  name: 'frameseal, Sealer.seal',
  async prepare(task) {
    if (task.kind !== 'srtp' || task.operation !== 'seal') return undefined;
    const copy: Copy = { frameseal: await loadCopy(ROOT, 'sealer'), engine: 'auto' };
    const next = numbered(task.packet);
    const { run, made } = sealWork({ ...task, kind: 'packet', packet: next(1) }, copy);
    let sequence = 0;
    return {
      run: () => {
        sequence = (sequence + 1) & 0xffff;
        next(sequence);
        return run();
      },
      made: () => {
        next(1);
        return made();
      },
    };
  },
};

type Key = InstanceType<Frameseal['AesGcm']> | InstanceType<Frameseal['Sm4Ecb']>;

function keyOf({ frameseal, engine }: Copy, cipher: Cipher, key: Uint8Array): Key {
  return cipher === 'sm4-ecb' ? new frameseal.Sm4Ecb(key, { engine }) : new frameseal.AesGcm(key, { engine });
}

function jobsOf(key: Key): JobsOfKey {
  return (operation, { nonce, aad, plaintext, sealed }, out) => {
    if (operation === 'seal') {
      return () => {
        if ('seal' in key) key.seal(nonce, aad, plaintext, out);
        else key.encrypt(plaintext, out);
        return out;
      };
    }
    const opened = out.subarray(0, plaintext.length);
    return () => {
      if ('open' in key) key.open(nonce, aad, sealed, opened);
      else key.decrypt(sealed, out);
      return opened;
    };
  };
}

function channelOf(
  { frameseal, engine }: Copy,
  cipher: Cipher,
  framing: 'rtp' | 'frame',
  options: { maxSenders?: number } = {},
): Channel {
  const salt = cipher === 'sm4-ecb' ? {} : { encryptionKdfSalt: frameseal.generateSalt() };
  const config = { encryptionMode: MODES[cipher], encryptionKey: frameseal.generateKey(), ...salt };
  return frameseal.enableEncryption(config, { framing, engine, ...options });
}

function senderWork({ cipher, packet }: Task & { kind: 'sender' }, copy: Copy): Work {
  const channel = channelOf(copy, cipher, 'rtp');
  const made = () => ({
    opened: [channel.createOpener({ loopback: true }).openCopy(channel.createSealer().sealCopy(packet))],
  });
  return { run: () => channel.createSealer().close(), made };
}

function sealWork({ cipher, packet }: Task & { kind: 'packet' }, copy: Copy): Work {
  const channel = channelOf(copy, cipher, 'rtp');
  const sealer = channel.createSealer();
  const out = new Uint8Array(packet.length + sealer.overhead);
  const opener = channel.createOpener({ loopback: true });
  return {
    run: () => sealer.seal(packet, out),
    made: () => ({ opened: [opener.openCopy(out.subarray(0, sealer.seal(packet, out)))] }),
  };
}

function openWork({ cipher, packet }: Task & { kind: 'packet' | 'senders' }, copy: Copy, senders: number): Work {
  const channel = channelOf(copy, cipher, 'rtp', senders > 1 ? { maxSenders: senders } : {});
  const sealers = Array.from({ length: senders }, () => channel.createSealer());
  const sealerInTurn = inTurn(sealers.map((sealer) => () => sealer));
  const room = packet.length + sealers[0]!.overhead;
  const seal = (out: Uint8Array) => sealerInTurn().seal(packet, out);
  const work = openings(channel, packet.length, room, () => new Uint8Array(room), seal);
  // An opener derives a sender's keys with its first packet: not what is measured here.
  work.before(senders);
  for (let i = 0; i < senders; i++) work.run();
  return work;
}

/**
 * An opener takes a frame once: before each sample, frames are sealed for it. `newArray` gives the array for one more of
 * these, of which `seal` fills the beginning.
 */
function openings(
  channel: Channel,
  bytes: number,
  room: number,
  newArray: (index: number) => Uint8Array,
  seal: (out: Uint8Array) => number,
): Required<Pick<Work, 'before'>> & Work {
  const opener = channel.createOpener({ loopback: true });
  const out = new Uint8Array(Math.max(bytes, room));
  const arrays: Uint8Array[] = [];
  const lengths: number[] = [];
  let next = 0;
  const before = (calls: number) => {
    while (arrays.length < calls) arrays.push(newArray(arrays.length));
    for (let i = 0; i < calls; i++) lengths[i] = seal(arrays[i]!);
    next = 0;
  };
  const run = () => opener.open(arrays[next]!, out, lengths[next++]);
  const made = () => {
    before(1);
    return { opened: [out.slice(0, run())] };
  };
  return { before, run, made };
}

/** Received frames that an array holds one after the other, each with a view that extends beyond it. */
const RECEIVED_FRAMES = 256;

/**
 * Arrays that are longer than the frame at their beginning, and their length as an argument. Frames to be opened lie one
 * after the other in one large buffer, since frames that lie a power of two apart would share few lines of the cache.
 */
function bufferWork({ cipher, operation, frame }: Task & { kind: 'buffer' }, copy: Copy): Work {
  const channel = channelOf(copy, cipher, 'frame');
  const sealer = channel.createSealer();
  const { length: bytes, byteOffset: offset, buffer } = frame.plaintext;
  const text = new Uint8Array(buffer, offset);
  const seal = (out: Uint8Array) => sealer.seal(text, out, bytes);
  if (operation === 'open') {
    const room = bytes + sealer.overhead;
    const received = new ArrayBuffer(buffer.byteLength + RECEIVED_FRAMES * room);
    const newArray = (index: number) => {
      return new Uint8Array(received, offset + (index % RECEIVED_FRAMES) * room, text.length);
    };
    return openings(channel, bytes, room, newArray, seal);
  }
  const out = new Uint8Array(text.length);
  const opener = channel.createOpener({ loopback: true });
  return { run: () => seal(out), made: () => ({ opened: [opener.openCopy(out.subarray(0, seal(out)))] }) };
}

function batchWork(
  { cipher, frames }: Task & { kind: 'batch' },
  copy: Copy,
  seal: (sealer: Sealer, inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array) => void,
): Work | undefined {
  const channel = channelOf(copy, cipher, 'frame');
  const sealer = channel.createSealer();
  if (!('sealBatch' in sealer)) return undefined;
  const inputs = frames.map(({ plaintext }) => plaintext);
  const outs = inputs.map((input) => new Uint8Array(input.length + sealer.overhead));
  const results = new Int32Array(inputs.length);
  const run = () => seal(sealer, inputs, outs, results);
  const made = () => {
    run();
    const opener = channel.createOpener({ loopback: true });
    return { opened: outs.map((out, i) => opener.openCopy(out.subarray(0, results[i]))) };
  };
  return { run, frames: frames.length, made };
}
