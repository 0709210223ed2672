/** Checks a peer: asks it the questions of vectors and of random cases, a few batches on the way at any time. */
import type { VectorFile } from 'frameseal/vectors';
import { Random } from '../random.js';
import { drawRecipe } from './draw.js';
import { Matrix, rowName } from './matrix.js';
import type { Ours } from './ours.js';
import type { PeerProcess } from './process.js';
import type { Answer } from './protocol.js';
import { differenceOf, type PeerDifference, type Question } from './question.js';
import { openedByUs, questionsFor, type Recipe } from './recipe.js';
import { shrink } from './shrink.js';
import { questionsOf } from './vectors.js';

/** Requests of a batch, and batches on the way: the peer works while the next questions are made. */
const BATCH = 64;
const BATCHES_ON_THE_WAY = 4;

/** A question that the peer answered in another way, the smallest of its row. */
export interface Disagreement extends PeerDifference {
  readonly question: Question;
  /** Of a random case. */
  readonly recipe?: Recipe;
}

export interface PeerReport {
  readonly matrix: Matrix;
  /** One for each row of the matrix in which the peer differs. */
  readonly disagreements: readonly Disagreement[];
  /** How many cases were not asked, by reason. */
  readonly outOfScope: Readonly<Record<string, number>>;
}

export interface CheckOptions {
  readonly ours: Ours;
  readonly randomCases: number;
  readonly seed: number;
  /** Called now and then with how many questions were answered. */
  readonly onProgress: (answered: number) => void;
}

/** Throws CliError where the peer ends, answers nonsense or does not answer. */
export async function checkPeer(
  peer: PeerProcess,
  files: readonly VectorFile[],
  options: CheckOptions,
): Promise<PeerReport> {
  const check = new PeerCheck(peer, options);
  await check.run(vectorBatches(files));
  await check.run(randomBatches(options));
  return { matrix: check.matrix, disagreements: await check.shrunk(), outOfScope: outOfScope(files) };
}

interface Batch {
  readonly questions: readonly Question[];
  readonly recipes?: readonly Recipe[];
}

function* vectorBatches(files: readonly VectorFile[]): Generator<Batch> {
  for (const { cases } of files) {
    const questions = cases.flatMap(questionsOf);
    for (let at = 0; at < questions.length; at += BATCH) yield { questions: questions.slice(at, at + BATCH) };
  }
}

function* randomBatches({ ours, randomCases, seed }: CheckOptions): Generator<Batch> {
  const random = new Random(seed);
  for (let at = 0; at < randomCases; at += BATCH) {
    const count = Math.min(BATCH, randomCases - at);
    const recipes = Array.from({ length: count }, (_, i) => drawRecipe(random, at + i + 1));
    yield { questions: questionsFor(recipes, ours), recipes };
  }
}

function outOfScope(files: readonly VectorFile[]): Record<string, number> {
  const counts: Record<string, number> = Object.create(null);
  for (const file of files)
    for (const [reason, count] of Object.entries(file.outOfScope)) counts[reason] = (counts[reason] ?? 0) + count;
  return counts;
}

class PeerCheck {
  readonly matrix = new Matrix();
  readonly #peer: PeerProcess;
  readonly #ours: Ours;
  readonly #onProgress: (answered: number) => void;
  readonly #smallest = new Map<string, Disagreement>();
  #answered = 0;

  constructor(peer: PeerProcess, { ours, onProgress }: CheckOptions) {
    this.#peer = peer;
    this.#ours = ours;
    this.#onProgress = onProgress;
  }

  async run(batches: Iterable<Batch>): Promise<void> {
    const onTheWay: (readonly [Batch, Promise<Answer[]>])[] = [];
    const settle = async () => {
      const [batch, answers] = onTheWay.shift()!;
      this.#take(batch, await answers);
    };
    for (const batch of batches) {
      onTheWay.push([batch, this.#ask(batch.questions)]);
      if (onTheWay.length === BATCHES_ON_THE_WAY) await settle();
    }
    while (onTheWay.length > 0) await settle();
  }

  /** The disagreements in the order of the matrix, those of random cases shrunk. */
  async shrunk(): Promise<Disagreement[]> {
    const shrunk: Disagreement[] = [];
    for (const row of this.matrix.rows()) {
      const name = rowName(row);
      const disagreement = this.#smallest.get(name);
      if (disagreement === undefined) continue;
      const { recipe } = disagreement;
      const differs = (recipes: readonly Recipe[]) => this.#differing(recipes, name);
      shrunk.push(recipe === undefined ? disagreement : (await shrink(recipe, disagreement, differs)).found);
    }
    return shrunk;
  }

  #ask(questions: readonly Question[]): Promise<Answer[]> {
    const answers = Promise.all(questions.map(({ request }) => this.#peer.ask(request)));
    // Where the peer fails, the oldest batch tells; no other rejection is left without a handler.
    answers.catch(() => {});
    return answers;
  }

  #take(batch: Batch, answers: readonly Answer[]): void {
    const differences = this.#differences(batch, answers);
    for (const [i, question] of batch.questions.entries()) {
      const difference = differences[i];
      const isOffered = answers[i]!.kind !== 'unsupported';
      this.matrix.add(question.row, difference ? 'differ' : isOffered ? 'agree' : 'unsupported');
      if (difference) this.#keep({ question, ...difference, ...(batch.recipes && { recipe: batch.recipes[i]! }) });
    }
    this.#answered += answers.length;
    this.#onProgress(this.#answered);
  }

  /** Where each answer differs. What a peer sealed and our code sealed alike, our code opens as well. */
  #differences({ questions, recipes }: Batch, answers: readonly Answer[]): (PeerDifference | undefined)[] {
    const differences = questions.map((question, i) => differenceOf(question, answers[i]!));
    if (recipes === undefined) return differences;
    const sealed = questions.flatMap(({ request, expected }, i) =>
      request.op === 'seal' && answers[i]!.kind === 'values' && differences[i] === undefined && expected['sealed']
        ? [i]
        : [],
    );
    const opened = openedByUs(
      sealed.map((i) => recipes[i]!),
      sealed.map((i) => questions[i]!.expected['sealed']!),
      this.#ours,
    );
    for (const [at, i] of sealed.entries()) {
      const { header, payload } = recipes[i]!;
      if (opened[at] !== header + payload)
        differences[i] = { what: 'opened by frameseal', expected: header + payload, got: opened[at]! };
    }
    return differences;
  }

  /** Keeps the smallest disagreement of each row; a random case, which can be shrunk, before a vector. */
  #keep(disagreement: Disagreement): void {
    const name = rowName(disagreement.question.row);
    const kept = this.#smallest.get(name);
    const size = ({ recipe, question }: Disagreement) =>
      (recipe === undefined ? 1e9 : 0) + JSON.stringify(question.request).length;
    if (kept === undefined || size(disagreement) < size(kept)) this.#smallest.set(name, disagreement);
  }

  /** Disagreements of recipes in their order, for shrinking: those in the same row of the matrix. */
  async #differing(recipes: readonly Recipe[], name: string): Promise<(Disagreement | undefined)[]> {
    const batch = { questions: questionsFor(recipes, this.#ours), recipes };
    const answers = await this.#ask(batch.questions);
    return this.#differences(batch, answers).map((difference, i) => {
      const question = batch.questions[i]!;
      return difference && rowName(question.row) === name
        ? { question, recipe: recipes[i]!, ...difference }
        : undefined;
    });
  }
}
