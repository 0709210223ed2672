/**
 * A process that measures one case and writes what it found to stdout. Each case has processes of its own, so that no case
 * finds the code, the heap and the type feedback that another one left; and that any Node can be asked.
 */
import { CASES, type Case } from './cases.js';
import { measureAllocation } from './measure/allocation.js';
import { contestantsOf } from './measure/contest.js';
import { measureGateway } from './measure/gateway.js';
import { CLOCK, measureLatency } from './measure/latency.js';
import type { Measured, NodeFacts, Request } from './measure/request.js';
import { measureStart } from './measure/start.js';
import { measureTime } from './measure/time.js';
import { engineName } from './peers/frameseal.js';

process.stdout.write(JSON.stringify(await answer(JSON.parse(process.argv[2]!) as Request)));

async function answer(request: Request): Promise<NodeFacts | Measured[]> {
  if (request.task === 'facts') {
    const { node, v8, openssl } = process.versions;
    return { node: node!, v8: v8!, openssl: openssl!, engine: await engineName() };
  }
  const found = CASES.find(({ name }) => name === request.name);
  if (found === undefined) throw new Error(`no case is called ${request.name}`);
  return measure(found, request);
}

async function measure(kase: Case, { task, rounds = 1, frames = 0, only = [], base }: Request): Promise<Measured[]> {
  const made = kase.makeTask();
  if (task === 'start' && made.kind === 'frame') return measureStart(made, rounds);
  if (task === 'gateway' && made.kind === 'packet') return measureGateway(made.packet, kase.load!, rounds, base);
  const contestants = only.includes(CLOCK.name) ? [CLOCK] : await contestantsOf(kase, base, only);
  if (task === 'check')
    return contestants.filter(({ work }) => work).map(({ name }) => ({ contestant: name, values: [] }));
  if (task === 'time') return measureTime(contestants, rounds);
  if (task === 'allocation') {
    const bytes = await measureAllocation(contestants);
    return [...bytes].map(([contestant, bytesPerFrame]) => ({ contestant, values: [], bytesPerFrame }));
  }
  const latencies: Measured[] = [];
  for (const contestant of contestants) {
    const latency = await measureLatency(contestant, frames);
    latencies.push({
      contestant: contestant.name,
      values: latency ? [latency.us[0]!] : [],
      ...(latency && { latency }),
    });
  }
  return latencies;
}
