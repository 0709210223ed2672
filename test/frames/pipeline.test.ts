/** The pipeline of a frame, with a protocol that copies: order, batches, exceptions, closing. */
import { beforeEach, describe, expect, it } from 'vitest';
import { EMPTY } from '../../src/bytes.js';
import type { FrameJob } from '../../src/engine/engine.js';
import { AFTER_OTHERS, type Frame, FramePipeline, type FrameProtocol } from '../../src/frames/pipeline.js';
import { BAD_TAG, CLOSED, NO_ROOM, TOO_LARGE, UNFINISHED } from '../../src/status.js';

const MAX_BYTES = 100;
const GROWTH = 4;

/** Frames are their own results. What the first byte asks for: */
const ASKS = { refuse: 1, wait: 2, throws: 3, throwsInFinish: 4 } as const;

class CopyProtocol implements FrameProtocol<string> {
  readonly maxBytes = MAX_BYTES;
  readonly growth = GROWTH;
  /** What was called, in order: `prepare 3+2` is the frame of 3 bytes while 2 wait. */
  readonly log: string[] = [];
  readonly seen = new Set<Frame<string>>();
  cryptFault: Error | undefined;
  wipeFault: Error | undefined;

  prepare(frame: Frame<string>, waiting: number): number {
    this.log.push(`prepare ${frame.length}+${waiting}`);
    this.seen.add(frame);
    frame.source = 'the sender';
    const asked = frame.length > 0 ? frame.job.input[0] : 0;
    if (asked === ASKS.throws) throw new Error('prepare');
    if (asked === ASKS.refuse) return BAD_TAG;
    if (asked === ASKS.wait && waiting > 0) return AFTER_OTHERS;
    if (frame.room < frame.length) return NO_ROOM;
    frame.job.length = frame.length;
    return 0;
  }

  crypt(jobs: readonly FrameJob[], count: number): void {
    this.log.push(`crypt ${count}`);
    if (this.cryptFault) throw this.cryptFault;
    for (const job of jobs.slice(0, count)) job.output.set(job.input.subarray(0, job.length));
  }

  finish(frame: Frame<string>): number {
    this.log.push(`finish ${frame.length}`);
    if (frame.job.input[0] === ASKS.throwsInFinish) throw new Error('finish');
    return frame.length;
  }

  settle(): void {
    this.log.push('settle');
  }

  wipe(): void {
    this.log.push('wipe');
    if (this.wipeFault) throw this.wipeFault;
  }

  /** How often something was called. */
  count(what: string): number {
    return this.log.filter((entry) => entry.startsWith(what)).length;
  }

  get keepsNothing(): boolean {
    return [...this.seen].every(
      ({ job, source }) => job.input === EMPTY && job.output === EMPTY && source === undefined,
    );
  }
}

let protocol: CopyProtocol;
let pipeline: FramePipeline<string>;
beforeEach(() => {
  protocol = new CopyProtocol();
  pipeline = new FramePipeline(protocol);
});

/** A frame of `length` bytes; its first byte may ask for something. */
function frame(length: number, asks = 9): Uint8Array {
  const input = new Uint8Array(length).fill(7);
  if (length > 0) input[0] = asks;
  return input;
}

interface Batch {
  readonly inputs: Uint8Array[];
  readonly outs: Uint8Array[];
  readonly results: Int32Array;
}

/** Frames of 1, 2, 3, ... bytes, with room for each. */
function batchOf(count: number, asks: Readonly<Record<number, number>> = {}): Batch {
  const inputs = Array.from({ length: count }, (_, i) => frame(i + 1, asks[i]));
  return { inputs, outs: inputs.map(() => new Uint8Array(MAX_BYTES)), results: new Int32Array(count).fill(99) };
}

function runBatch({ inputs, outs, results }: Batch): number {
  return pipeline.runBatch(inputs, outs, results, undefined);
}

describe('one frame', () => {
  it('goes through prepare, crypt, finish, and is settled', () => {
    const out = new Uint8Array(10);
    expect(pipeline.run(frame(5), out, undefined)).toBe(5);
    expect(protocol.log).toEqual(['prepare 5+0', 'crypt 1', 'finish 5', 'settle']);
    expect(out.subarray(0, 5)).toEqual(frame(5));
    expect(protocol.keepsNothing).toBe(true);
  });

  it('that is refused goes no further, and is counted', () => {
    expect(pipeline.run(frame(5, ASKS.refuse), new Uint8Array(10), undefined)).toBe(BAD_TAG);
    expect(protocol.log).toEqual(['prepare 5+0', 'settle']);
    expect(pipeline.stats).toMatchObject({ frames: 0, refused: { BAD_TAG: 1 } });
  });

  it('may be as long as frames are, and no longer', () => {
    const out = new Uint8Array(200);
    expect(pipeline.run(frame(MAX_BYTES), out, undefined)).toBe(MAX_BYTES);
    expect(pipeline.run(frame(MAX_BYTES + 1), out, undefined)).toBe(TOO_LARGE);
  });

  it('has the length that is given, 0 too; or the real length of the array, not the one that it shows', () => {
    const out = new Uint8Array(20);
    expect(pipeline.run(frame(9), out, 0)).toBe(0);
    expect(pipeline.run(frame(9), out, 4)).toBe(4);
    const input = frame(9);
    Object.defineProperty(input, 'length', { value: 3 });
    expect(pipeline.run(input, out, undefined)).toBe(9);
    expect(() => pipeline.run(frame(9), out, 10)).toThrow(RangeError);
    const small = new Uint8Array(3);
    Object.defineProperty(small, 'length', { value: 50 });
    expect(pipeline.run(frame(9), small, undefined)).toBe(NO_ROOM);
  });

  it('may not overlap with its result in part, nor with what the result is longer', () => {
    const memory = new Uint8Array(40);
    expect(() => pipeline.run(memory.subarray(0, 10), memory.subarray(5, 30), undefined)).toThrow(RangeError);
    expect(() => pipeline.run(memory.subarray(12, 22), memory.subarray(0, 22), undefined)).toThrow(RangeError);
    expect(pipeline.run(memory.subarray(14, 24), memory.subarray(0, 24), undefined)).toBe(10);
  });
});

describe('a batch', () => {
  it.each([7, 8, 20])('of %i frames: results in order, and settled once at its end', (count) => {
    const batch = batchOf(count);
    expect(runBatch(batch)).toBe(count);
    expect([...batch.results]).toEqual(batch.inputs.map((input) => input.length));
    for (const [i, out] of batch.outs.entries()) expect(out.subarray(0, i + 1)).toEqual(batch.inputs[i]);
    expect(protocol.count('settle')).toBe(1);
    expect(protocol.log.at(-1)).toBe('settle');
    expect(protocol.count('crypt')).toBe(count < 8 ? count : Math.ceil(count / 16));
    expect(protocol.keepsNothing).toBe(true);
  });

  it('counts an empty frame as a success', () => {
    const results = new Int32Array(2);
    expect(pipeline.runBatch([frame(0), frame(3)], [new Uint8Array(1), new Uint8Array(3)], results, undefined)).toBe(2);
  });

  it('has no more frames than there are outs and results', () => {
    const { inputs, outs, results } = batchOf(4);
    for (const run of [
      () => pipeline.runBatch(inputs, outs, results.subarray(1), 4),
      () => pipeline.runBatch(inputs, outs.slice(1), results, undefined),
    ])
      expect(run).toThrow(RangeError);
    expect(protocol.log).toEqual([]);
  });

  it('gets the number of waiting frames, and asks again once these are finished', () => {
    const batch = batchOf(10, { 3: ASKS.wait, 4: ASKS.refuse, 8: ASKS.wait });
    expect(runBatch(batch)).toBe(9);
    expect([...batch.results]).toEqual([1, 2, 3, 4, BAD_TAG, 6, 7, 8, 9, 10]);
    expect(protocol.log).toEqual([
      ...['prepare 1+0', 'prepare 2+1', 'prepare 3+2', 'prepare 4+3', 'crypt 3', 'finish 1', 'finish 2', 'finish 3'],
      ...['prepare 4+0', 'prepare 5+1', 'prepare 6+1', 'prepare 7+2', 'prepare 8+3', 'prepare 9+4'],
      ...['crypt 4', 'finish 4', 'finish 6', 'finish 7', 'finish 8'],
      ...['prepare 9+0', 'prepare 10+1', 'crypt 2', 'finish 9', 'finish 10', 'settle'],
    ]);
    expect(protocol.keepsNothing).toBe(true);
  });

  it.each([5, 10])('of %i frames, of which one throws: those before it are finished', (count) => {
    const batch = batchOf(count, { 3: ASKS.throws });
    expect(() => runBatch(batch)).toThrow('prepare');
    expect([...batch.results.subarray(0, 4)]).toEqual([1, 2, 3, UNFINISHED]);
    expect([...batch.results.subarray(4)].every((result) => result === UNFINISHED)).toBe(true);
    expect(protocol.log.at(-1)).toBe('settle');
    expect(protocol.count('settle')).toBe(1);
    expect(pipeline.stats.frames).toBe(3);
  });

  it('that waits is tried once, and after it whole batches go as before', () => {
    protocol.cryptFault = new Error('crypt');
    const batch = batchOf(10, { 9: ASKS.wait });
    expect(() => runBatch(batch)).toThrow('crypt');
    expect(protocol.count('crypt')).toBe(1);
    expect([...batch.results].every((result) => result === UNFINISHED)).toBe(true);
    protocol.cryptFault = undefined;
    expect(runBatch(batchOf(10))).toBe(10);
    expect(protocol.log.filter((entry) => entry.startsWith('crypt'))).toEqual(['crypt 9', 'crypt 10']);
  });

  it('whose frame throws when it is finished: the others are UNFINISHED', () => {
    const batch = batchOf(10, { 3: ASKS.throwsInFinish });
    expect(() => runBatch(batch)).toThrow('finish');
    expect([...batch.results]).toEqual([1, 2, 3, ...Array(7).fill(UNFINISHED)]);
  });

  it('within a batch, begun by an accessor, goes one by one', () => {
    const outer = batchOf(10);
    const inner = batchOf(9);
    const inputs = outer.inputs.slice();
    Object.defineProperty(inputs, 5, {
      get() {
        expect(runBatch(inner)).toBe(9);
        return outer.inputs[5];
      },
    });
    expect(pipeline.runBatch(inputs, outer.outs, outer.results, undefined)).toBe(10);
    expect([...inner.results]).toEqual(inner.inputs.map((input) => input.length));
    expect([...outer.results]).toEqual(outer.inputs.map((input) => input.length));
    for (const [i, out] of outer.outs.entries()) expect(out.subarray(0, i + 1)).toEqual(outer.inputs[i]);
    expect(protocol.log.filter((entry) => entry.startsWith('crypt'))).toEqual([
      ...Array(9).fill('crypt 1'),
      'crypt 10',
    ]);
  });
});

describe('close', () => {
  it('wipes once; every call after it returns CLOSED', () => {
    pipeline.close();
    pipeline.close();
    expect(protocol.log).toEqual(['wipe']);
    expect(pipeline.run(frame(5), new Uint8Array(10), undefined)).toBe(CLOSED);
    const batch = batchOf(10);
    expect(runBatch(batch)).toBe(0);
    expect([...batch.results]).toEqual(Array(10).fill(CLOSED));
    expect(protocol.count('prepare')).toBe(0);
  });

  it('that threw has closed, and wipes again', () => {
    protocol.wipeFault = new Error('wipe');
    expect(() => pipeline.close()).toThrow('wipe');
    expect(pipeline.run(frame(5), new Uint8Array(10), undefined)).toBe(CLOSED);
    protocol.wipeFault = undefined;
    pipeline.close();
    expect(protocol.count('wipe')).toBe(2);
  });

  it('from an accessor of a batch: nothing after it runs', () => {
    const batch = batchOf(20);
    Object.defineProperty(batch.inputs, 17, {
      get() {
        pipeline.close();
        return frame(18);
      },
    });
    expect(runBatch(batch)).toBe(16);
    expect([...batch.results.subarray(16)]).toEqual(Array(4).fill(CLOSED));
  });
});
