/** The process of a peer: takes requests, pipelined, and gives answers. */

import { type ShellCommand, spawnShell } from '../children.js';
import { CliError } from '../terminal.js';
import { type Answer, Lines, NonsenseError, quoted, type Request, readAnswer } from './protocol.js';

/** How long a peer may take to end once its stdin has. */
const END_LIMIT_MS = 2000;

interface Waiting {
  readonly line: string;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class PeerProcess {
  readonly #shell: ShellCommand;
  readonly #timeoutMs: number;
  readonly #lines = new Lines();
  /** The requests without an answer, by id, the oldest first. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;
  #answers = 0;
  /** Why the peer is of no more use. */
  #failure: CliError | undefined;

  /** Runs `command` with the shell. `timeoutMs`: the longest time without an answer while there are requests. */
  constructor(command: string, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#shell = spawnShell(command, ['pipe', 'pipe', 'inherit']);
    const { child } = this.#shell;
    // A peer that has ended: its exit tells.
    child.stdin!.on('error', () => {});
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
    child.on('error', (error) => this.#fail(`could not be started: ${error.message}`));
    this.#ended = new Promise((resolve) => child.on('close', resolve));
    child.on('close', (code, signal) => this.#fail(`ended (${signal ?? `exit code ${code}`})`));
  }

  /** Sends a request. Fails with a CliError where the peer ends, answers nonsense, or does not answer in time. */
  ask(request: Request): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    const line = JSON.stringify({ id, ...request });
    const answer = new Promise<Answer>((resolve, reject) => this.#waiting.set(id, { line, resolve, reject }));
    this.#shell.child.stdin!.write(`${line}\n`);
    if (this.#timer === undefined) this.#startTimer();
    return answer;
  }

  /** Ends the peer: its stdin, and then the process, if it has not ended by then. */
  async close(): Promise<void> {
    this.#failure ??= new CliError('the peer was closed', 2);
    clearTimeout(this.#timer);
    this.#shell.child.stdin!.end();
    const late = setTimeout(() => {
      this.#shell.kill();
      // A process that has left the group may keep the other end open.
      this.#shell.child.stdout!.destroy();
    }, END_LIMIT_MS);
    await this.#ended;
    clearTimeout(late);
    this.#shell.kill();
  }

  #take(chunk: string): void {
    if (this.#failure) return;
    try {
      for (const line of this.#lines.take(chunk)) if (line.trim() !== '') this.#takeLine(line);
    } catch (error) {
      if (!(error instanceof NonsenseError)) throw error;
      this.#fail(`answered nonsense, ${error.message}`);
    }
  }

  #takeLine(line: string): void {
    const { id, answer } = readAnswer(line);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw new NonsenseError(`an answer to no request that waits for one: ${quoted(line)}`);
    this.#waiting.delete(id);
    this.#answers++;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size > 0) this.#startTimer();
    waiting.resolve(answer);
  }

  #startTimer(): void {
    const late = () =>
      this.#fail(`gave no answer for ${this.#timeoutMs / 1000} s (does it flush its stdout after each line?)`);
    this.#timer = setTimeout(late, this.#timeoutMs);
  }

  /** Ends the peer, and fails whatever waits for an answer. */
  #fail(what: string): void {
    if (this.#failure) return;
    clearTimeout(this.#timer);
    const [first] = this.#waiting.values();
    const state = `${this.#answers} answers before, ${this.#waiting.size} requests without one`;
    const oldest = first === undefined ? '' : `; the oldest: ${quoted(first.line)}`;
    this.#failure = new CliError(`the peer ${what}; ${state}${oldest}`, 2);
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
    this.#shell.kill();
  }
}
