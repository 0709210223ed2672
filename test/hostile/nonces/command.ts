/** `nonces`: the findings of processes.ts, as a table. */
import { number } from '../../../src/cli/terminal.js';
import { Report } from '../report.js';
import { runProcesses } from './processes.js';

export async function commandNonces(processes: number, frames: number): Promise<void> {
  const report = new Report('nonces');
  const startMs = performance.now();
  const onProgress = (done: number) => report.progress(() => `${number(done)} frames`);
  const { ledger, ciphertexts, opened, killed } = await runProcesses({ processes, frames, onProgress });
  report.row('processes at once', processes);
  report.row('killed in the middle (SIGKILL)', killed);
  report.row('frames', ledger.frames);
  report.row('sessions', ledger.sessions);
  report.row('repeated (key, KID, CTR)', ledger.repeats);
  report.row('repeated keystreams', frames - ciphertexts);
  report.row('opened by one opener', opened);
  report.row('seconds', Math.round((performance.now() - startMs) / 1000));
  report.check('no (key, KID, CTR) repeats', ledger.frames === frames && ledger.repeats === 0);
  report.check('no keystream repeats', ciphertexts === frames);
  report.check('every frame opens once', opened === frames);
  report.end();
}
