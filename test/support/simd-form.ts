/** Before every test file: the form of the SIMD module that FRAMESEAL_SIMD_FORM names, in place of the platform's best. */
import { useSimdForm } from '../../src/engine/pick.js';

const form = process.env['FRAMESEAL_SIMD_FORM'];
if (form === 'plain' || form === 'relaxed') useSimdForm(form);
else if (form !== undefined) throw new Error("FRAMESEAL_SIMD_FORM must be 'plain' or 'relaxed'");
