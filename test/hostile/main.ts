/** `npm run hostile -- COMMAND`: see --help. What the commands found last is in README.md. */
import { parseArgs } from 'node:util';
import { commandFloods } from './floods/command.js';
import { commandGateway } from './gateway/command.js';
import { commandNonces } from './nonces/command.js';

const HELP = `npm run hostile -- COMMAND [options]
  nonces    real processes seal on one channel and are killed; no nonce is used twice
              --processes N   at once, 100 by default
              --frames N      in all, 1,000,000 by default
  floods    made-up KIDs, replays, forgeries and recordings against an opener; what it keeps and whom it lets in
              --frames N      of each flood, 1,000,000 by default
              --engine NAME   simd, the default, or portable
  gateway   two gateways and a faulty path between them, with a receiver that leaves and a kill -9 in the middle
              --seconds N     20 by default; or --minutes N
              --rate N        packets a second, 5,000 by default
Each prints a table, and ends with exit code 1 where a promise was broken.
`;
const COMMANDS: Readonly<Record<string, (values: Values) => Promise<void>>> = {
  nonces: ({ processes = '100', frames = '1000000' }) => commandNonces(Number(processes), Number(frames)),
  floods: ({ frames = '1000000', engine = 'simd' }) => commandFloods(Number(frames), engine),
  gateway: ({ seconds = '20', minutes, rate = '5000' }) =>
    commandGateway(minutes === undefined ? Number(seconds) : 60 * Number(minutes), Number(rate)),
};
const OPTIONS = ['processes', 'frames', 'engine', 'seconds', 'minutes', 'rate'] as const;
type Values = { readonly [name in (typeof OPTIONS)[number]]?: string | undefined };

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean' },
    ...Object.fromEntries(OPTIONS.map((name) => [name, { type: 'string' as const }])),
  },
});
const command = COMMANDS[positionals[0] ?? ''];
if (command === undefined || values['help']) {
  process.stdout.write(HELP);
  process.exitCode = values['help'] ? 0 : 2;
} else {
  await command(values as Values);
}
