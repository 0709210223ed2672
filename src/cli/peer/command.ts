/** `frameseal verify --peer COMMAND`: tests another implementation (fixtures/README.md, "An adapter for a peer"). */
import { randomInt } from 'node:crypto';
import type { EngineChoice } from 'frameseal';
import type { VectorFile } from 'frameseal/vectors';
import { CliError, number, StatusLine } from '../terminal.js';
import { checkPeer } from './check.js';
import { oursOn } from './ours.js';
import { PeerProcess } from './process.js';
import { peerJson, peerText } from './report.js';

export interface PeerOptions {
  readonly peer: string;
  readonly engine: EngineChoice;
  readonly random?: number;
  readonly seed?: number;
  /** Seconds. */
  readonly peerTimeout: number;
  readonly json?: boolean;
}

/** Prints what agrees and what differs. Exit code 1 where something differs. */
export async function verifyPeer(files: readonly VectorFile[], options: PeerOptions): Promise<void> {
  const { peer: command, engine, random: randomCases = 0, seed = randomInt(2 ** 32) } = options;
  const peer = new PeerProcess(command, 1000 * options.peerTimeout);
  const line = new StatusLine();
  const onProgress = (answered: number) => line.show(`${number(answered)} answers`);
  try {
    const report = await checkPeer(peer, files, { ours: oursOn(engine), randomCases, seed, onProgress });
    if (report.matrix.totals.agree + report.matrix.totals.differ === 0)
      throw new CliError('the peer offers none of the operations that it was asked for');
    const run = { ...report, command, randomCases, seed };
    line.clear();
    process.stdout.write(options.json ? `${JSON.stringify(peerJson(run))}\n` : peerText(run));
    if (report.matrix.totals.differ > 0) process.exitCode = 1;
  } finally {
    line.clear();
    await peer.close();
  }
}
