/** `frameseal bench`: how fast on this machine; the harness of `npm run bench`, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

const HARNESS = fileURLToPath(new URL('../bench/main.js', import.meta.url));
const BY_ITSELF = ['--quick'];

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure how fast it is here, and what a core carries; --help shows its options, none is --quick')
    .argument('[options...]')
    .helpOption(false)
    .allowUnknownOption()
    .action(bench);
}

async function bench(options: string[]): Promise<void> {
  const args = options.length > 0 ? options : BY_ITSELF;
  const child = spawn(process.execPath, [HARNESS, ...args], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}
