/**
 * A channel under test on an engine with fault points, and its invariants after any exception: every out is untouched or
 * holds a right frame, later results are right, no nonce comes twice, and closing leaves no key. Right is what
 * node:crypto makes of the configuration.
 */
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import type { SessionSource } from '../../src/channel/keyring.js';
import type { Opener } from '../../src/channel/opener.js';
import type { Sealer } from '../../src/channel/sealer.js';
import { pickEngine } from '../../src/engine/pick.js';
import { REPLAYED, statusName, TOO_OLD, UNFINISHED, UNKNOWN_KEY } from '../../src/status.js';
import { concat, Guarded } from './arrays.js';
import { bytes, config, countedSessions, flipped, KID } from './channel.js';
import { clearBytes, frameOf, type Incoming, inputOf, KEY_ID, kidOf, NEXT_KEY_ID, type Setup } from './fault-frames.js';
import { FaultyEngine, faultPoints } from './faults.js';
import { sframeHeader } from './sframe.js';

/** What no call has written. */
const UNTOLD = 7777;
const ROOM = 29;

interface Exchange {
  readonly call: Sealer | Opener;
  readonly inputs: Uint8Array[];
  readonly outs: Guarded[];
  readonly results: Int32Array;
  /** By frame: where a receiver gets it from, and its plaintext; undefined for what is sealed. */
  readonly incoming: readonly (Incoming & { readonly plaintext: Uint8Array })[] | undefined;
  single(): void;
  batch(): void;
}

export interface Traits {
  readonly maxSenders?: number;
  readonly firstCtr?: number;
}

export class World {
  readonly setup: Setup;
  readonly engine: FaultyEngine;
  readonly channel: Channel;
  readonly wrong: string[] = [];
  /** Ids of the keys that open frames, and of one that no longer does. */
  liveKeyIds: number[] = [KEY_ID];
  deadKeyId: number | undefined;
  readonly sealers: Sealer[] = [];
  readonly openers: Opener[] = [];
  readonly #exchanges: Exchange[] = [];
  readonly #evicts: boolean;
  /** Counters of frames that are still to be sent. */
  #nextCtr = 500;

  constructor(setup: Setup, { maxSenders = 64, firstCtr = 0 }: Traits = {}) {
    this.setup = setup;
    this.#evicts = maxSenders === 1;
    this.engine = new FaultyEngine(pickEngine(setup.engine));
    const { mode, framing } = setup;
    const counted = countedSessions();
    let first = firstCtr;
    const source: SessionSource = (words, blocks) =>
      faultPoints.around('draw', undefined, () => {
        counted(words, blocks);
        const ctr = first;
        first = 0;
        return ctr;
      });
    this.channel = enableEncryptionWith(config(mode, KEY_ID), { framing, maxSenders }, source, this.engine);
    faultPoints.outputs = new Set();
  }

  /** One more channel of the same configuration and engine. */
  another(): Channel {
    const { mode, framing } = this.setup;
    const source = countedSessions(KID + 0x1000n);
    return enableEncryptionWith(config(mode, KEY_ID), { framing }, source, this.engine);
  }

  sealer(): Sealer {
    const sealer = this.channel.createSealer();
    this.sealers.push(sealer);
    return sealer;
  }

  opener(): Opener {
    const opener = this.channel.createOpener();
    this.openers.push(opener);
    return opener;
  }

  /** Calls that seal payloads of these lengths; -1 is an input that is no RTP, -2 one whose out has no room. */
  sealing(call: Sealer, payloads: readonly number[], inPlace = false): Exchange {
    const plain = payloads.map((payload) => (payload === -1 ? bytes(40) : inputOf(this.setup, Math.abs(payload))));
    const rooms = payloads.map((payload) => (payload === -2 ? 3 : ROOM));
    return this.#exchange(call, plain, rooms, inPlace, undefined, (input, out, length) =>
      call.seal(input, out, length),
    );
  }

  /** Calls that open frames. */
  opening(call: Opener, incoming: readonly Incoming[], inPlace = false): Exchange {
    const sealed = incoming.map(({ kid, ctr, payload, fault }) => {
      const frame = frameOf(this.setup, inputOf(this.setup, payload), kid, ctr);
      if (fault === 'forged') return flipped(frame, -1);
      return fault === 'malformed' ? concat(frame.subarray(0, clearBytes(this.setup)), [0x80, 7]) : frame;
    });
    const rooms = incoming.map(({ fault, payload }) => (fault === 'no room' ? -29 - payload : 0));
    const known = incoming.map((frame) => ({ ...frame, plaintext: inputOf(this.setup, frame.payload) }));
    return this.#exchange(call, sealed, rooms, inPlace, known, (input, out, length) => call.open(input, out, length));
  }

  #exchange(
    call: Sealer | Opener,
    contents: readonly Uint8Array[],
    rooms: readonly number[],
    inPlace: boolean,
    incoming: Exchange['incoming'],
    one: (input: Uint8Array, out: Uint8Array, length: number) => number,
  ): Exchange {
    const outs = contents.map((content, i) => {
      const room = Math.max(0, rooms[i]!);
      if (inPlace) return new Guarded(concat(content, new Uint8Array(room)));
      return new Guarded(rooms[i]! === ROOM ? content.length + room : rooms[i]! < 0 ? 1 : rooms[i]! || content.length);
    });
    for (const out of outs) faultPoints.outputs.add(out.bytes);
    const inputs = contents.map((content, i) => (inPlace ? outs[i]!.bytes.subarray(0, content.length) : content));
    const results = new Int32Array(contents.length).fill(UNTOLD);
    const exchange: Exchange = {
      call,
      inputs,
      outs,
      results,
      incoming,
      single: () => {
        results.fill(UNFINISHED);
        for (let i = 0; i < inputs.length; i++) results[i] = one(inputs[i]!, outs[i]!.bytes, contents[i]!.length);
      },
      batch: () => {
        const whole = outs.map(({ bytes: out }) => out);
        if ('seal' in call) call.sealBatch(inputs, whole, results);
        else call.openBatch(inputs, whole, results);
      },
    };
    this.#exchanges.push(exchange);
    return exchange;
  }

  get results(): readonly Int32Array[] {
    return this.#exchanges.map(({ results }) => results);
  }

  /** Every out is untouched or a right frame, and every result shows which; `clean`: the results without a fault. */
  judge(clean: readonly Int32Array[] | undefined): void {
    for (const [e, { outs, results, incoming, inputs: given }] of this.#exchanges.entries()) {
      for (const [i, out] of outs.entries()) {
        const result = results[i]!;
        const at = `frame ${i}, ${result === UNTOLD ? 'untold' : statusName(result)}`;
        if (result === UNTOLD) {
          if (clean?.[e]?.[i] !== UNTOLD && results.some((other) => other !== UNTOLD)) this.wrong.push(at);
          if (!out.untouched) this.wrong.push(`${at}: out was written`);
          continue;
        }
        if (clean !== undefined && result !== UNFINISHED && result !== clean[e]![i]) {
          this.wrong.push(`${at}, not ${statusName(clean[e]![i]!)}`);
        }
        const expected = incoming === undefined ? this.#sealedIn(out, given[i]!) : incoming[i]!.plaintext;
        const mayOpen = incoming === undefined || incoming[i]!.fault === undefined;
        const right = mayOpen && expected !== undefined && out.holds(expected);
        if (result >= 0 ? !right || result !== expected!.length : result !== UNFINISHED && !out.untouched) {
          this.wrong.push(`${at}: wrong out`);
        }
        if (result === UNFINISHED && !right && !out.untouched) this.wrong.push(`${at}: half an out`);
      }
    }
  }

  /** The frame that an out must hold, going by the header there. */
  #sealedIn(out: Guarded, given: Uint8Array): Uint8Array | undefined {
    const clear = clearBytes(this.setup);
    // In place the input is gone; its length identifies it.
    const input = inputOf(this.setup, given.length - clear);
    if (this.setup.mode === 'SM4_128_ECB') return frameOf(this.setup, input, 0n, 0);
    if (out.untouched || out.bytes.length < clear + 17) return undefined;
    const config = out.bytes[clear]!;
    // A KID of 8 bytes, and a counter of 4 bytes at most.
    if (config >>> 4 !== 15 || (config & 15) > 11) return undefined;
    const { kid, ctr } = sframeHeader(out.bytes, clear);
    return [KEY_ID, NEXT_KEY_ID].includes(Number(kid >> 60n)) ? frameOf(this.setup, input, kid, ctr) : undefined;
  }

  /** What comes after an exception is right: sealing, opening, and refusing what was there before. */
  goOn(): void {
    this.wrong.push(...this.engine.usedTwice);
    if (this.engine.halfSet.length > 0) this.wrong.push('a key works although its setKey threw');
    for (const { call, outs, results, incoming } of this.#exchanges) {
      if (incoming !== undefined && this.openers.includes(call as Opener)) {
        this.#reopen(call as Opener, outs, results, incoming);
      }
    }
    for (const sealer of this.sealers) this.expectSeals(sealer);
    for (const opener of this.openers) this.expectOpens(opener);
  }

  expectSeals(sealer: Sealer): void {
    const exchange = this.sealing(sealer, [20, 160, 20]);
    try {
      exchange.single();
    } catch (error) {
      this.wrong.push(`a later seal throws ${error}`);
    }
    for (const [i, out] of exchange.outs.entries()) {
      const expected = this.#sealedIn(out, exchange.inputs[i]!);
      if (expected === undefined || !out.holds(expected)) this.wrong.push('a later seal is wrong');
      else if (this.setup.mode !== 'SM4_128_ECB') {
        const keyId = Number(sframeHeader(out.bytes, clearBytes(this.setup)).kid >> 60n);
        if (keyId !== this.channel.keyId) this.wrong.push(`a later seal has keyId ${keyId}`);
      }
    }
  }

  /** New frames of every sender there was, and of two new ones. */
  expectOpens(opener: Opener): void {
    const heard = this.#exchanges.flatMap(({ call, incoming }) => (call === opener ? (incoming ?? []) : []));
    const known = heard.map(({ kid }) => kid).filter((kid) => this.liveKeyIds.includes(Number(kid >> 60n)));
    const all = new Set([...known, ...this.liveKeyIds.flatMap((id) => [kidOf(90, id), kidOf(91, id)])]);
    if (this.deadKeyId !== undefined) all.add(kidOf(1, this.deadKeyId));
    for (const kid of all) {
      const isDead = Number(kid >> 60n) === this.deadKeyId;
      const result = this.#open(opener, { kid, ctr: this.#nextCtr++, payload: 20 });
      if (isDead ? result !== UNKNOWN_KEY : result < 0)
        this.wrong.push(`a later frame of ${kid.toString(16)}: ${result}`);
    }
  }

  /** The same frames again: REPLAYED where they were opened, and opened where they were not. */
  #reopen(opener: Opener, outs: Guarded[], results: Int32Array, incoming: NonNullable<Exchange['incoming']>): void {
    if (this.setup.mode === 'SM4_128_ECB') return;
    const fate = new Map<string, 'opened' | 'perhaps' | 'not'>();
    for (const [i, { kid, ctr, fault }] of incoming.entries()) {
      const name = `${kid} ${ctr}`;
      if (results[i]! >= 0 && results[i] !== UNTOLD) fate.set(name, 'opened');
      else if (fault !== undefined || fate.get(name) === 'opened') continue;
      else if (!outs[i]!.untouched) fate.set(name, 'perhaps');
      else if (!fate.has(name)) fate.set(name, 'not');
    }
    const refusals = [REPLAYED, TOO_OLD, ...(this.deadKeyId === undefined ? [] : [UNKNOWN_KEY])];
    for (const frame of incoming) {
      const was = fate.get(`${frame.kid} ${frame.ctr}`);
      if (was === undefined || frame.fault !== undefined || Number(frame.kid >> 60n) === this.deadKeyId) continue;
      fate.delete(`${frame.kid} ${frame.ctr}`);
      const result = this.#open(opener, frame);
      const mayRefuse = was !== 'not' || this.#evicts;
      if (result >= 0 ? was === 'opened' : !mayRefuse || !refusals.includes(result)) {
        this.wrong.push(`a frame that was ${was === 'not' ? 'not ' : ''}opened, again: ${statusName(result)}`);
      }
    }
  }

  /** Opens a genuine frame; the plaintext is checked. */
  #open(opener: Opener, { kid, ctr, payload }: Incoming): number {
    const plaintext = inputOf(this.setup, payload);
    const frame = frameOf(this.setup, plaintext, kid, ctr);
    const out = new Guarded(frame.length);
    try {
      const result = opener.open(frame, out.bytes);
      if (result < 0 ? !out.untouched : !out.holds(plaintext)) this.wrong.push('a later open is wrong');
      return result;
    } catch (error) {
      this.wrong.push(`a later open throws ${error}`);
      return UNTOLD;
    }
  }

  /** Closing does not throw, and leaves no key. */
  close(): void {
    try {
      this.channel.close();
    } catch (error) {
      this.wrong.push(`close throws ${error}`);
    }
    this.wrong.push(...this.engine.usedTwice);
    if (this.engine.live.length > 0) this.wrong.push(`${this.engine.live.length} keys outlive the channel`);
  }
}
