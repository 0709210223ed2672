/** The machine of the measurements, and the Nodes to measure under. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, type } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Machine } from './document.js';
import type { NodeFacts } from './measure/request.js';
import { ROOT } from './peers/frameseal.js';
import { ask, type NodeBinary } from './run.js';

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    system: `${type()} ${release()} ${arch()}`,
  };
}

export function version(): string {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
}

/** The commit of the checkout; null where there is no git. */
export function commit(): string | null {
  if (!existsSync(join(ROOT, '.git'))) return null;
  const git = (...args: string[]) => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim();
  return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '-dirty');
}

/** The running Node, or a Node of each given major version, from npm's `node` packages. */
export async function findNodes(majors: readonly number[]): Promise<NodeBinary[]> {
  const current = Number(process.versions.node.split('.')[0]);
  const nodes: NodeBinary[] = [];
  for (const major of majors.length > 0 ? majors : [current]) {
    const path = major === current ? process.execPath : await downloaded(major);
    nodes.push({ path, facts: await ask<NodeFacts>(path, { task: 'facts' }) });
  }
  return nodes;
}

async function downloaded(major: number): Promise<string> {
  const print = ['-y', `node@${major}`, '-p', 'process.execPath'];
  try {
    return (await promisify(execFile)('npx', print)).stdout.trim();
  } catch (error) {
    throw new Error(`no Node ${major}: "npx ${print.join(' ')}" failed: ${(error as Error).message}`);
  }
}
