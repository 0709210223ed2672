/** What the steps share: the command, tshark as a judge, and comparison. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '../e2e/tools.mjs';

export const CLI: string = fileURLToPath(new URL('../../src/cli/dist/main.js', import.meta.url));
const DISSECTOR = fileURLToPath(new URL('../../wireshark/frameseal.lua', import.meta.url));
const CHECKS = ['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE'];

export function say(text: string): void {
  process.stdout.write(`recording: ${text}\n`);
}

export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`expected: ${what}`);
}

export function mustEqual<T>(got: T, expected: T, what: string): void {
  must(Object.is(got, expected), `${what}: ${expected}, got ${got}`);
}

/** `frameseal seal` or `open` with --json: its report. */
export function frameseal(operation: 'seal' | 'open', from: string, to: string, config: string): Report {
  return JSON.parse(run(process.execPath, [CLI, operation, from, to, '--force', '--json', '--config', config]));
}

export interface Report {
  readonly packets: number;
  readonly datagrams: number;
  readonly replaced: number;
  readonly fragments: number;
  readonly cut: number;
  readonly otherDatagrams: number;
}

/** Seals and opens a recording: what comes out must be the same file. Returns the report of sealing. */
export function mustComeBack(file: (name: string) => string, recording: string, config: string): Report {
  const [sealed, opened] = [file('sealed'), file('opened')];
  const sealing = frameseal('seal', recording, sealed, config);
  const opening = frameseal('open', sealed, opened, config);
  must(sealing.replaced > 0, 'packets are sealed');
  mustEqual(opening.replaced, sealing.replaced, 'packets that open');
  must(readFileSync(opened).equals(readFileSync(recording)), `${recording} comes back byte for byte`);
  return sealing;
}

/** What tshark says of each packet, one line each; throws where it complains of the file. */
export function tshark(recording: string, args: readonly string[]): string[] {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28 } as const;
  const { status, stdout, stderr } = spawnSync('tshark', ['-r', recording, ...CHECKS, ...args], options);
  const complaints = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Running as user'));
  must(
    status === 0 && complaints.length === 0,
    `tshark reads ${recording} without a complaint: ${complaints.join('; ')}`,
  );
  return stdout.split('\n').filter((line) => line !== '');
}

/** Packets whose IPv4 or UDP checksum tshark finds wrong, and packets that it calls malformed. */
export function wrongPackets(recording: string): number {
  return tshark(recording, ['-Y', 'ip.checksum.status == 0 || udp.checksum.status == 0 || _ws.malformed']).length;
}

/** Through the dissector for sealed packets, on a port. */
export function dissect(recording: string, ports: readonly number[], args: readonly string[]): string[] {
  const decode = ports.flatMap((port) => ['-d', `udp.port==${port},frameseal`]);
  return tshark(recording, ['-X', `lua_script:${DISSECTOR}`, ...decode, ...args]);
}
