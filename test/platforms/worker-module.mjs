/** A worker for workerd that gives the package a module which the platform has compiled; `./simd.wasm` is either form. */
import * as frameseal from 'frameseal';
import { engineOf, observe } from './observe.mjs';
import module from './simd.wasm';
import { describeError } from './suite/suite.mjs';

export default {
  async fetch() {
    // A channel made before the module is given must not fix the choice for later ones.
    const before = ['simd', 'auto'].map((engine) => engineOf('AES_128_GCM2', engine)).join();
    try {
      frameseal.useSimdModule(module);
    } catch (error) {
      return Response.json({ failed: `useSimdModule: ${describeError(error)}` });
    }
    return Response.json({ before, ...(await observe()) });
  },
};
