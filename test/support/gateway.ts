/** Gateways of a gateway.yaml in child processes, with key files in a folder of their own. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayProcess } from '../../src/cli/gateway/process.js';
import type { GatewaySnapshot, RouteSnapshot } from '../../src/cli/gateway/snapshot.js';
import { pause, startGateway } from './cli.js';

/** A folder with a gateway.yaml and what it names. JSON is YAML. */
export class Site {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'frameseal-gateway-'));

  get file(): string {
    return this.path('gateway.yaml');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, value: unknown): void {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    writeFileSync(this.path(name), text, { mode: 0o600 });
  }

  /** Writes gateway.yaml, and starts the gateway. */
  async start(config: unknown, ...options: string[]): Promise<Running> {
    this.write('gateway.yaml', config);
    return new Running(await startGateway(this.file, ...options));
  }
}

export class Running {
  readonly process: GatewayProcess;

  constructor(process: GatewayProcess) {
    this.process = process;
  }

  /** The newest snapshot that it has printed. */
  get snapshot(): GatewaySnapshot {
    return this.process.events.findLast((event) => 'routes' in event) as unknown as GatewaySnapshot;
  }

  route(name: string): RouteSnapshot {
    return this.snapshot.routes.find((route) => route.name === name)!;
  }

  /** Waits until stderr matches, three seconds at most; returns what it has from `from` on. */
  async says(pattern: RegExp, from = 0): Promise<string> {
    for (let i = 0; i < 600 && !pattern.test(this.process.stderr.slice(from)); i++) await pause(5);
    return this.process.stderr.slice(from);
  }

  /** Sends SIGHUP, and returns what stderr says of it. */
  async reload(): Promise<string> {
    const from = this.process.stderr.length;
    this.process.child.kill('SIGHUP');
    return this.says(/nothing changes:\n.*\n|is reloaded.*\n/, from);
  }

  /** Drains it; the last snapshot has the totals. */
  async end(): Promise<GatewaySnapshot> {
    const code = await this.process.end();
    if (code !== 0) throw new Error(`the gateway ended with ${code}: ${this.process.stderr}`);
    return this.snapshot;
  }
}
