/**
 * The start of the `frameseal` command: signals first, because loading the rest takes a while. A gateway that is reloaded
 * in its first moments reloads later; SIGUSR1, which makes Node open its inspector to everybody on the machine, does nothing.
 */
import { catchSignals } from './signals.js';

if (process.argv.includes('gateway')) catchSignals();
await import('./program.js');
