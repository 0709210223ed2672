/** Which engine is picked, also where `validate` says yes and compiling is forbidden; an engine that computes wrongly is never picked. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../src/engine/engine.js';
import { plainForm, relaxedForm } from '../../src/engine/simd/forms.js';
import { compileModule } from '../../src/engine/simd/simd.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

const KEY = {
  encryptionMode: 'AES_128_GCM2',
  encryptionKey: 'a1'.repeat(32),
  encryptionKdfSalt: new Uint8Array(32).fill(7),
};

/** The library anew, on a platform whose WebAssembly is changed. */
async function fresh(changes: Partial<typeof WebAssembly> & object = {}) {
  vi.stubGlobal('WebAssembly', { ...propertiesOf(WebAssembly), ...changes });
  vi.resetModules();
  return { ...(await import('../../src/index.js')), ...(await import('../../src/accelerated.js')) };
}

function propertiesOf(object: object): object {
  return Object.fromEntries(Object.getOwnPropertyNames(object).map((name) => [name, Reflect.get(object, name)]));
}

class Forbidden {
  static asked = 0;
  constructor() {
    Forbidden.asked++;
    throw new Error('CompileError: Wasm code generation disallowed by embedder');
  }
}

describe('a platform that validates the module and forbids to compile it', () => {
  it("'auto' is portable, says so, and asks no second time; 'simd' throws when the channel is made", async () => {
    const { enableEncryption, EngineError } = await fresh({ Module: Forbidden as never });
    using channel = enableEncryption(KEY, { framing: 'frame' });
    Forbidden.asked = 0;
    using other = enableEncryption(KEY, { framing: 'frame' });
    expect([channel.engine, other.engine]).toEqual(['portable', 'portable']);
    const frame = channel.createSealer().sealCopy(new Uint8Array(50).fill(3));
    expect(other.createOpener().openCopy(frame)).toEqual(new Uint8Array(50).fill(3));
    expect(() => enableEncryption(KEY, { engine: 'simd' })).toThrow(EngineError);
    expect(() => enableEncryption(KEY, { engine: 'simd' })).toThrow(/wasm-unsafe-eval/);
    expect(Forbidden.asked).toBe(0);
  });

  it('a module that was compiled elsewhere is taken, and nothing else', async () => {
    const ready = compileModule(plainForm);
    const { enableEncryption, EngineError, useSimdModule } = await fresh({ Module: Forbidden as never });
    for (const wrong of [{}, [], new Uint8Array(8), null, undefined, 'module']) {
      expect(() => useSimdModule(wrong as object)).toThrow(TypeError);
    }
    expect(enableEncryption(KEY).engine).toBe('portable');
    expect(() => enableEncryption(KEY, { engine: 'simd' })).toThrow(EngineError);
    useSimdModule(ready);
    expect(enableEncryption(KEY).engine).toBe('simd');
    expect(
      enableEncryption(KEY, { engine: 'simd' }).createSealer().sealCopy(new Uint8Array(12).fill(0x80)).length,
    ).toBe(37);
  });

  it("another library's module is an EngineError", async () => {
    const nothing = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const { EngineError, useSimdModule } = await fresh();
    expect(() => useSimdModule(nothing)).toThrow(EngineError);
  });

  it("the end of the stack is not the platform's answer: the next call asks again", async () => {
    let deep = true;
    const Once = new Proxy(WebAssembly.Module, {
      construct(Module, bytes) {
        if (deep) throw new RangeError('Maximum call stack size exceeded');
        return Reflect.construct(Module, bytes);
      },
    });
    const { enableEncryption } = await fresh({ Module: Once });
    expect(() => enableEncryption(KEY)).toThrow(RangeError);
    deep = false;
    expect(enableEncryption(KEY).engine).toBe('simd');
  });

  it('no WebAssembly at all, and no FinalizationRegistry', async () => {
    vi.stubGlobal('FinalizationRegistry', undefined);
    const { enableEncryption } = await fresh();
    expect(
      enableEncryption(KEY, { engine: 'simd' }).createSealer().sealCopy(new Uint8Array(12).fill(0x80)).length,
    ).toBe(37);
    vi.stubGlobal('WebAssembly', undefined);
    vi.resetModules();
    const without = await import('../../src/index.js');
    expect(without.enableEncryption(KEY).engine).toBe('portable');
  });
});

describe('the self-test', () => {
  it('refuses a module that computes wrongly, and puts no other engine in its place', async () => {
    const bytes = plainForm();
    // The module's constants are its last bytes: tables of the ciphers.
    bytes[bytes.length - 200]! ^= 1;
    const Broken = new Proxy(WebAssembly.Module, { construct: (Module) => new Module(bytes) });
    const { enableEncryption, EngineError } = await fresh({ Module: Broken });
    for (const engine of ['auto', 'simd', 'auto'] as const) {
      expect(() => enableEncryption(KEY, { engine })).toThrow(EngineError);
      expect(() => enableEncryption(KEY, { engine })).toThrow(/self-test of the simd engine failed/);
    }
    expect(enableEncryption(KEY, { engine: 'portable' }).engine).toBe('portable');
  });

  it('refuses a ready module that computes wrongly', async () => {
    const bytes = plainForm();
    bytes[bytes.length - 200]! ^= 1;
    const { EngineError, useSimdModule } = await fresh();
    expect(() => useSimdModule(new WebAssembly.Module(bytes))).toThrow(EngineError);
    expect(() => useSimdModule(new WebAssembly.Module(bytes))).toThrow(/self-test of the simd engine failed/);
  });

  const faults = [
    ['a bit of the text', /seals wrongly/],
    ['a tag that is always right', /takes a wrong tag/],
    ['a block', /encrypts a block wrongly/],
    ['SM4', /SM4/],
  ] as const;
  it.each(faults)('finds a fault: %s', async (name, says) => {
    const { portableEngine } = await import('../../src/engine/portable/portable.js');
    const { selfTest } = await import('../../src/engine/self-test.js');
    const engine: Engine = { ...portableEngine };
    expect(() => selfTest(engine)).not.toThrow();
    engine.createGcmKey = (keyBytes) => {
      const key = portableEngine.createGcmKey(keyBytes);
      const { seal, open } = key;
      if (name === 'a bit of the text') {
        key.seal = (job) => {
          seal.call(key, job);
          job.output[7]! ^= 0x10;
        };
      }
      if (name === 'a block') key.encryptBlock = (input, output) => output.set(input);
      if (name === 'a tag that is always right') key.open = (job) => open.call(key, job) || true;
      return key;
    };
    engine.createSm4Key = () => {
      const key = portableEngine.createSm4Key();
      if (name === 'SM4') key.decryptBlocks = key.encryptBlocks;
      return key;
    };
    expect(() => selfTest(engine)).toThrow(says);
  });
});

describe('useAcceleratedEngine', () => {
  it('takes a form of the SIMD engine, and says which', async () => {
    const { enableEncryption, useAcceleratedEngine } = await fresh();
    const form = useAcceleratedEngine();
    expect(['wide', 'relaxed', 'plain']).toContain(form);
    expect(enableEncryption(KEY).engine).toBe('simd');
  });

  /** A platform that says yes to every form, and compiles the plain one in its place; the relaxed one with `change`. */
  function withRelaxed(change: (module: Uint8Array<ArrayBuffer>) => void): Partial<typeof WebAssembly> {
    const relaxedBytes = relaxedForm().length;
    return {
      validate: () => true,
      Module: new Proxy(WebAssembly.Module, {
        construct(Module, [bytes]: [Uint8Array<ArrayBuffer>]) {
          if (bytes.length !== relaxedBytes) return new Module(bytes);
          const module = plainForm();
          change(module);
          return new Module(module);
        },
      }),
    };
  }

  it('takes the next form where one computes wrongly', async () => {
    const { enableEncryption, useAcceleratedEngine } = await fresh(
      withRelaxed((module) => {
        module[module.length - 200]! ^= 1;
      }),
    );
    expect(useAcceleratedEngine()).toBe('plain');
    expect(enableEncryption(KEY).engine).toBe('simd');
  });

  it('throws where the plain form computes wrongly', async () => {
    const Broken = new Proxy(WebAssembly.Module, {
      construct(Module, [bytes]: [Uint8Array<ArrayBuffer>]) {
        bytes[bytes.length - 200]! ^= 1;
        return new Module(bytes);
      },
    });
    const { EngineError, useAcceleratedEngine } = await fresh({ Module: Broken });
    expect(() => useAcceleratedEngine()).toThrow(EngineError);
  });

  it('throws what is no answer of a form, such as the end of the stack', async () => {
    let calls = 0;
    const Instance = new Proxy(WebAssembly.Instance, {
      construct(Real, [module]: [WebAssembly.Module]) {
        const { exports } = new Real(module);
        const seal = exports['seal'] as (...args: number[]) => void;
        return {
          exports: { ...exports, seal: (...args: number[]) => (calls++ === 0 ? new Array(-1) : seal(...args)) },
        };
      },
    });
    const { useAcceleratedEngine } = await fresh({ ...withRelaxed(() => {}), Instance });
    expect(() => useAcceleratedEngine()).toThrow(RangeError);
  });

  it('is portable where nothing may be compiled, and keeps a module that was given', async () => {
    const ready = compileModule(plainForm);
    const { enableEncryption, useAcceleratedEngine, useSimdModule } = await fresh({ Module: Forbidden as never });
    expect(useAcceleratedEngine()).toBe('portable');
    expect(enableEncryption(KEY).engine).toBe('portable');
    useSimdModule(ready);
    expect(useAcceleratedEngine()).toBe('plain');
    expect(enableEncryption(KEY).engine).toBe('simd');
  });
});

describe('a start-up snapshot', () => {
  it('has no keys, salts and sessions: every process that starts from it would have the same', async () => {
    vi.resetModules();
    const library = await import('../../src/index.js');
    const channel = library.enableEncryption(KEY);
    const v8 = process.getBuiltinModule('v8');
    const building = vi.spyOn(v8.startupSnapshot, 'isBuildingSnapshot').mockReturnValue(true);
    try {
      expect(() => channel.createSealer()).toThrow(/snapshot/);
      expect(() => library.generateKey()).toThrow(/snapshot/);
      expect(() => library.generateSalt()).toThrow(/snapshot/);
    } finally {
      building.mockRestore();
    }
    expect(channel.createSealer().senderId).toMatch(/^[0-9a-f]{16}$/);
  });
});
