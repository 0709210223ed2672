/**
 * What our code makes of cases. A vector without its result is one that `verifyVectors` disagrees with, and a disagreement tells
 * what our code made of the case: so a KID and a counter go where vectors have them, and no interface but that of vectors takes one.
 */
import type { EngineChoice } from 'frameseal';
import { type VectorCase, verifyVectors } from 'frameseal/vectors';

/** No result, nor the name of a status: every case that expects it disagrees. */
export const ASKED = 'ASKED';

/** What our code makes of each case: bytes in hex, or the name of a status. The cases have ASKED where their results would be. */
export type Ours = (cases: readonly VectorCase[]) => readonly string[];

export function oursOn(engine: EngineChoice): Ours {
  return (cases) => {
    const numbered = cases.map((test, i) => ({ ...test, id: String(i) }));
    const text = JSON.stringify({ format: 'frameseal-vectors/1', title: 'questions', cases: numbered });
    const results: string[] = [];
    for (const { id, got } of verifyVectors(text, { engine }).disagreements) results[Number(id)] = got;
    return results;
  };
}
