/** The forms of the SIMD engine's module, by name. */
import { hasSimd, type ModuleForm, plainForm, relaxedForm } from '../../src/engine/simd/forms.js';
import { wideForm } from '../../src/engine/simd/wide.js';

export const FORMS: Readonly<Record<FormName, ModuleForm>> = { plain: plainForm, relaxed: relaxedForm, wide: wideForm };
export type FormName = 'plain' | 'relaxed' | 'wide';
export const FORM_NAMES = ['plain', 'relaxed', 'wide'] as const;

/** Those that this platform runs: Node 20 has no relaxed SIMD. */
export const AVAILABLE_FORMS = FORM_NAMES.filter((name) => hasSimd(FORMS[name]));
