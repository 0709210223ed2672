/** Tries everything hostile in every place of a call, by the rules of evil-rules.ts. */
import { BYTES } from './evil.js';
import { BATCHES, NUMBERS } from './evil-batch.js';
import { type Call, callAll, type Evil, type Judged, judge, othersOf, type World } from './evil-rules.js';

/** Everything hostile that a call has a place for; an array in the middle of a batch. */
function evilsOf(call: Call): Evil[] {
  const middle = call.frames === undefined ? 0 : call.frames >> 1;
  const places = call.inputs.map((name, i) => ({ name, place: middle * call.inputs.length + i }));
  if (call.out !== undefined) places.push({ name: call.out, place: call.inputs.length * (call.frames ?? 1) + middle });
  return [
    ...places.flatMap(({ name, place }) =>
      BYTES.map((bytes) => ({ name: `${name}: ${bytes.name}`, must: bytes.must, place, bytes })),
    ),
    ...(call.number === undefined
      ? []
      : NUMBERS.map((number) => ({ name: `${call.number}: ${number.name}`, must: 'refuse' as const, number }))),
    ...(call.frames === undefined ? [] : BATCHES.map((batch) => ({ name: batch.name, must: batch.must, batch }))),
  ];
}

/** Tries one hostile argument in one call, and everybody's ordinary calls after it. Throws where a rule is broken. */
function attempt(world: World, call: Call, evil: Evil): Judged {
  const { subject } = world;
  const judged = judge(world, subject, call, evil);
  if (evil.must === 'refuse' && !judged.threw) throw new Error('is taken');
  if (evil.must === 'work' && judged.finished !== (call.frames ?? 1)) throw new Error('is refused');
  if (!world.closed)
    callAll(world, subject, (other) => other.ordinary || other === call || (judged.threw && other.frames));
  else callAll(world, subject, (other) => other.ordinary);
  othersOf(world);
  return judged;
}

export interface Tally {
  tried: number;
  taken: number;
  refused: number;
  readonly failures: string[];
}

/** Every hostile argument of a call; a new world after one that broke a rule, closed it, or set a new key. */
export function attemptAll(
  make: (afterFailure: boolean) => World,
  name: string,
  takes: (index: number) => boolean,
): Tally {
  const tally: Tally = { tried: 0, taken: 0, refused: 0, failures: [] };
  let world = make(false);
  const callOf = (): Call => world.subject.calls.find((call) => call.name === name)!;
  for (const [index, evil] of evilsOf(callOf()).entries()) {
    if (!takes(index)) continue;
    let failed = false;
    try {
      if (attempt(world, callOf(), evil).threw) tally.refused++;
      else tally.taken++;
    } catch (error) {
      failed = true;
      tally.failures.push(`${evil.name}: ${error instanceof Error ? error.message : error}`);
    }
    tally.tried++;
    if (failed || world.spent) {
      for (const subject of [world.subject, ...world.witnesses]) subject.close();
      world = make(failed);
    }
  }
  for (const subject of [world.subject, ...world.witnesses]) subject.close();
  return tally;
}
