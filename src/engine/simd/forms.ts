/** The forms of the module that every program has: the plain one, and the relaxed one, made of it. The wide one: wide.ts. */
import { type Edit, edited, relaxed } from './edits.js';
import { PLAIN_MODULE, RELAXED_EDITS } from './modules.js';
import { decoded } from './text.js';

/** A form of the module: makes its bytes. */
export type ModuleForm = () => Uint8Array<ArrayBuffer>;

/** Needs fixed-width SIMD alone. */
export const plainForm: ModuleForm = () => decoded(PLAIN_MODULE);

/** Needs relaxed SIMD. */
export const relaxedForm: ModuleForm = () => edited(relaxed(plainForm()), decodedEdits(RELAXED_EDITS));

/** Whether the platform says that it runs a form of the module. */
export function hasSimd(form: ModuleForm): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(form());
}

/** Edits as the build wrote them. */
export function decodedEdits(edits: typeof RELAXED_EDITS): Edit[] {
  return edits.map(([keep, skip, insert]) => [keep, skip, decoded(insert)] as const);
}
