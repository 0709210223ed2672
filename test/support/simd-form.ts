/**
 * Before every test file: the form of the SIMD module that FRAMESEAL_SIMD_FORM names, in place of the platform's best. The
 * wide form gets the flag with which V8 makes AVX2 of it.
 */
import { setFlagsFromString } from 'node:v8';
import { useSimdForm } from '../../src/engine/pick.js';

const form = process.env['FRAMESEAL_SIMD_FORM'];
if (form === 'wide') setFlagsFromString('--experimental-wasm-revectorize');
if (form === 'plain' || form === 'relaxed' || form === 'wide') useSimdForm(form);
else if (form !== undefined) throw new Error("FRAMESEAL_SIMD_FORM must be 'plain', 'relaxed' or 'wide'");
