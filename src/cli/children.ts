/** Child processes that do not outlive this one. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => void child.kill('SIGKILL')));

/** Starts Node with these arguments. */
export function spawnNode(args: readonly string[], stdio: SpawnOptions['stdio']): ChildProcess {
  const child = spawn(process.execPath, args, { stdio });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A command line that the platform's shell runs. */
export interface ShellCommand {
  readonly child: ChildProcess;
  /** Ends the shell and whatever it started. */
  kill(): void;
}

/**
 * Runs a command line with the platform's shell (`sh -c`; on Windows `cmd.exe`). The shell leads a process group of its own, so
 * that a program which the shell started ends with it; signals of the terminal do not reach that group and are passed on.
 */
export function spawnShell(command: string, stdio: SpawnOptions['stdio']): ShellCommand {
  const hasGroups = process.platform !== 'win32';
  const child = spawn(command, { stdio, shell: true, detached: hasGroups });
  const kill = () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, passOn);
    process.off('exit', kill);
    if (child.pid === undefined) return;
    if (!hasGroups) child.kill('SIGKILL');
    else killGroup(child.pid);
  };
  const passOn = (signal: NodeJS.Signals) => {
    kill();
    process.kill(process.pid, signal);
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, passOn);
  process.on('exit', kill);
  return { child, kill };
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // All of it has ended.
  }
}
