/**
 * Before every test file: the form of the SIMD module that FRAMESEAL_SIMD_FORM names, in place of the platform's best. The
 * wide form gets the flag with which V8 makes AVX2 of it.
 */
import { setFlagsFromString } from 'node:v8';
import { useSimdEngine } from '../../src/engine/pick.js';
import { compileModule, createSimdEngine } from '../../src/engine/simd/simd.js';
import { FORM_NAMES, FORMS } from './simd-forms.js';

const wanted = process.env['FRAMESEAL_SIMD_FORM'];
const form = FORM_NAMES.find((name) => name === wanted);
if (form === 'wide') setFlagsFromString('--experimental-wasm-revectorize');
if (form !== undefined) useSimdEngine(createSimdEngine(compileModule(FORMS[form])));
else if (wanted !== undefined) throw new Error("FRAMESEAL_SIMD_FORM must be 'plain', 'relaxed' or 'wide'");
