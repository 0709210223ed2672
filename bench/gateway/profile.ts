/**
 * Where a gateway's CPU time goes, from a V8 profile and the process's CPU time.
 *
 * V8 calls the whole poll phase idle, system calls that read datagrams included. So what the process used of the CPU
 * and no sample shows is counted to the sockets.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; url: string } }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before; of the first, since startTime. */
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
}

/** Microseconds by what they went into. */
export interface Split {
  /** WebAssembly, and all of frameseal but its command line. */
  crypto: number;
  /** The command line's own code. */
  gateway: number;
  /** dgram, libuv and the system, and the event loop around them. */
  sockets: number;
  collector: number;
}

export function readProfile(directory: string): CpuProfile {
  const [name] = readdirSync(directory).filter((each) => each.endsWith('.cpuprofile'));
  return JSON.parse(readFileSync(join(directory, name!), 'utf8')) as CpuProfile;
}

/** Splits what was used between two times of the monotonic clock, all in microseconds. */
export function split(profile: CpuProfile, fromUs: number, toUs: number, cpuUs: number): Split {
  const kinds = new Map(profile.nodes.map(({ id, callFrame }) => [id, kindOf(callFrame.functionName, callFrame.url)]));
  const found: Split = { crypto: 0, gateway: 0, sockets: 0, collector: 0 };
  let timeUs = profile.startTime;
  let seenUs = 0;
  for (const [i, sample] of profile.samples.entries()) {
    timeUs += profile.timeDeltas[i]!;
    const kind = kinds.get(sample);
    if (timeUs < fromUs || timeUs > toUs || kind === undefined) continue;
    const lastsUs = profile.timeDeltas[i + 1] ?? 0;
    found[kind] += lastsUs;
    seenUs += lastsUs;
  }
  found.sockets += Math.max(0, cpuUs - seenUs);
  return found;
}

function kindOf(name: string, url: string): keyof Split | undefined {
  if (name === '(idle)') return undefined;
  if (name === '(garbage collector)') return 'collector';
  if (url.startsWith('wasm:')) return 'crypto';
  if (!url.includes('/dist/')) return 'sockets';
  return url.includes('/dist/cli/') ? 'gateway' : 'crypto';
}
