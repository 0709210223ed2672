/** Child processes that do not outlive this one. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => void child.kill('SIGKILL')));

/** Starts Node with these arguments. */
export function spawnNode(args: readonly string[], stdio: SpawnOptions['stdio']): ChildProcess {
  const child = spawn(process.execPath, args, { stdio });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
