/**
 * Seals or opens the RTP and RTCP packets of a recording. A lane is a sealer or an opener with the packets of a group that go
 * to it; a stream keeps to one lane.
 */
import { UNKNOWN_KEY } from 'frameseal';
import { LEAVE_OUT, type PayloadTransform, type RecordingEntry } from 'frameseal/recording';
import { isMedia, type Stream, Streams } from './streams.js';

/** As `Sealer.sealBatch` and `Opener.openBatch`. */
export type Batch = (inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number) => void;

const GROUP_PACKETS = 64;
const MOST_SAMPLES = 16;

export class Lane {
  readonly #run: Batch;
  readonly #inputs: Uint8Array[] = [];
  readonly #outs: Uint8Array[] = [];
  readonly #places = new Int32Array(GROUP_PACKETS);
  readonly #results = new Int32Array(GROUP_PACKETS);
  #count = 0;

  constructor(run: Batch) {
    this.#run = run;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Takes a packet, whose result will be at `place`. */
  add(input: Uint8Array, out: Uint8Array, place: number): void {
    this.#inputs[this.#count] = input;
    this.#outs[this.#count] = out;
    this.#places[this.#count++] = place;
  }

  /** Seals or opens what was added, in order. */
  run(results: Int32Array): void {
    const count = this.#count;
    this.#count = 0;
    this.#run(this.#inputs, this.#outs, this.#results, count);
    for (let i = 0; i < count; i++) results[this.#places[i]!] = this.#results[i]!;
  }
}

/** What chooses lanes, and knows what their results mean. */
export interface LaneChoice {
  /** The most bytes that a packet gets longer by. */
  readonly growth: number;
  /** The lane of a stream's next packets. */
  laneOf(stream: Stream<Lane>): Lane;
  /** The lanes to try in turn after one could not open a packet of the stream. */
  lanesFor(stream: Stream<Lane>): readonly Lane[];
  /** Statuses after which another lane may do better. */
  readonly retried: ReadonlySet<number>;
  /** Statuses after which a packet must not stay in the recording as it is. */
  isLeftOut(status: number): boolean;
}

export interface LaneOptions {
  /** UDP ports, of either end; undefined takes all. */
  readonly ports: ReadonlySet<number> | undefined;
  /** Leaves RTCP as it is. */
  readonly skipsRtcp: boolean;
}

export class LaneTransform implements PayloadTransform {
  readonly growth: number;
  readonly streams = new Streams<Lane>();
  /** Datagrams on these ports that are neither RTP nor RTCP. */
  otherDatagrams = 0;
  /** The first packets of each status, for explanations. */
  readonly samples = new Map<number, Uint8Array[]>();
  readonly #choice: LaneChoice;
  readonly #options: LaneOptions;
  /** Of the packets that were taken since the last group: their streams, and the lanes that they went to. */
  readonly #taken: Stream<Lane>[] = [];
  readonly #lanes: Lane[] = [];
  #count = 0;

  constructor(choice: LaneChoice, options: LaneOptions) {
    this.growth = choice.growth;
    this.#choice = choice;
    this.#options = options;
  }

  takes(entry: RecordingEntry): boolean {
    const { ports, skipsRtcp } = this.#options;
    const isWanted =
      ports === undefined || entry.udpAt < 0 || ports.has(entry.destinationPort) || ports.has(entry.sourcePort);
    if (!isWanted) return false;
    if (!isMedia(entry)) {
      this.otherDatagrams++;
      return false;
    }
    const stream = this.streams.count(entry);
    if (stream.isRtcp && skipsRtcp) return false;
    this.#taken[this.#count++] = stream;
    return true;
  }

  transform(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void {
    this.#count = 0;
    const lanes: Lane[] = [];
    for (let i = 0; i < count; i++) {
      const lane = this.#choice.laneOf(this.#taken[i]!);
      this.#lanes[i] = lane;
      if (lane.isEmpty) lanes.push(lane);
      lane.add(inputs[i]!, outs[i]!, i);
    }
    for (const lane of lanes) lane.run(results);
    for (let i = 0; i < count; i++) {
      if (this.#choice.retried.has(results[i]!)) this.#retry(inputs[i]!, outs[i]!, results, i);
      this.#settle(inputs[i]!, results, i);
    }
  }

  /** Tries the other lanes. The stream changes to the one that opens its packet; otherwise the first verdict stands. */
  #retry(input: Uint8Array, out: Uint8Array, results: Int32Array, place: number): void {
    const stream = this.#taken[place]!;
    let verdict = results[place]!;
    for (const lane of this.#choice.lanesFor(stream)) {
      if (lane === this.#lanes[place]) continue;
      lane.add(input, out, place);
      lane.run(results);
      if (results[place]! >= 0) {
        stream.lane = lane;
        return;
      }
      // "Unknown" says less than what another key has found.
      if (verdict === UNKNOWN_KEY) verdict = results[place]!;
    }
    results[place] = verdict;
  }

  #settle(input: Uint8Array, results: Int32Array, place: number): void {
    const result = results[place]!;
    this.#taken[place]!.results[result < 0 ? -result : 0]!++;
    if (result >= 0) return;
    const samples = this.samples.get(result) ?? [];
    if (samples.length < MOST_SAMPLES) this.samples.set(result, [...samples, input.slice()]);
    if (this.#choice.isLeftOut(result)) results[place] = LEAVE_OUT;
  }
}
