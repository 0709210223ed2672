/** Keys, wiping and copies in the portable engine and in `frameseal/aead`; judged by unit tests. Shape: format.mjs. */
const SLOTS = ['test/engine/slots.test.ts'];

export const ENGINE_RULES = [
  {
    file: 'src/engine/pkcs7.ts',
    tests: ['test/engine/sm4.test.ts'],
    mutations: [['a part of a block has padding', ' && (length & (BLOCK_BYTES - 1)) === 0', '']],
  },
  {
    file: 'src/engine/text-area.ts',
    tests: ['test/engine/text-area.test.ts'],
    mutations: [
      [
        'a copy without bounds behind',
        'inputAt <= this.#beforeBytes && lengthOf(input) - inputAt <= length + SPARE_BYTES',
        'inputAt <= this.#beforeBytes',
      ],
      ['a copy without bounds before', 'inputAt <= this.#beforeBytes && ', ''],
      ['a window without bounds', 'this.#end - to);', 'Number.MAX_SAFE_INTEGER);'],
      ['the head is cut off at whole words', 'for (; i < headLength; i++) output[from + i] = head[headAt + i]!;', ''],
      ['the tail is cut off', 'i < tailLength; i++', 'i < tailLength - 1; i++'],
      [
        'the tail is written before the text has fitted',
        '    copyInto(output, view, outputAt);\n',
        '    for (let j = 0; j < tailLength; j++) output[outputAt + written + j] = tail[j]!;\n    copyInto(output, view, outputAt);\n',
      ],
      ['a result is written too long', 'const view = this.view(written);', 'const view = this.view(written + 1);'],
      [
        'the head is written before the text has fitted',
        '    copyInto(output, view, outputAt);\n',
        '',
        '    job.written = written;\n',
        '    copyInto(output, view, outputAt);\n    job.written = written;\n',
      ],
      ['the number of written bytes is not set', '    job.written = written;\n', ''],
      [
        'a text is not wiped to its end',
        'this.#memory.fill(0, this.at, this.at + length);',
        'this.#memory.fill(0, this.at, this.at + length - 1);',
      ],
    ],
  },
  {
    file: 'src/engine/windows.ts',
    tests: ['test/engine/text-area.test.ts'],
    mutations: [
      ['windows outlive the memory', ' && window[needed - 1] !== undefined', ''],
      ['windows without bounds', ' || LENGTHS[size]! > most', ''],
    ],
  },
  {
    file: 'src/engine/portable/gcm.ts',
    tests: [...SLOTS, 'test/engine/gcm.test.ts'],
    mutations: [
      [
        'a key is there before its set-up',
        '    this.#hasKey = false;\n    const { stream }',
        '    this.#hasKey = true;\n    const { stream }',
      ],
      [
        'the key before is there while the next is set up',
        '    this.#hasKey = false;\n    const { stream }',
        '    const { stream }',
      ],
      ['a wiped key is there', '    this.#hasKey = false;\n    this.#counterMode', '    this.#counterMode'],
      [
        'sealing without a key',
        'seal(job: FrameJob): void {\n    if (!this.#hasKey) throw new EngineError(NO_KEY);',
        'seal(job: FrameJob): void {',
      ],
      ['a refused job keeps the result of the one before', '    job.written = REFUSED;\n', ''],
      ['the tag has three words', 'i < 4; i++) difference', 'i < 3; i++) difference'],
      [
        'a forged frame is deciphered',
        '    if (difference !== 0) return false;\n    this.#crypt(memory, area.at, length);',
        '    this.#crypt(memory, area.at, length);\n    if (difference !== 0) return false;',
      ],
      [
        'a forged frame is written',
        'if (difference !== 0) return false;',
        'if (difference !== 0) {\n      area.commit(job, length);\n      return false;\n    }',
      ],
      ['wipe leaves the text', '    staging.wipe();\n', ''],
    ],
  },
  {
    file: 'src/engine/portable/gcm.ts',
    tests: ['test/system/wipe.test.ts'],
    build: true,
    mutations: [
      ['wipe leaves round keys', '    this.#counterMode.wipe();\n', ''],
      ['wipe leaves the tables of H', '    this.#ghash.wipe();\n', ''],
    ],
  },
  {
    file: 'src/engine/portable/sm4.ts',
    tests: SLOTS,
    mutations: [
      [
        'a key is there before its set-up',
        '    this.#hasKey = false;\n    let a',
        '    this.#hasKey = true;\n    let a',
      ],
      ['the key before is there while the next is set up', '    this.#hasKey = false;\n    let a', '    let a'],
      ['a wiped key is there', '    this.#hasKey = false;\n    this.#encryptKeys', '    this.#encryptKeys'],
      ['a refused job keeps the result of the one before', '    job.written = REFUSED;\n', ''],
      [
        'a refused frame leaves its plaintext',
        'if (padding === 0) area.wipe(length);\n    else area',
        'if (padding !== 0) area',
      ],
      ['wipe leaves the text', '    staging.wipe();\n', ''],
    ],
  },
  {
    file: 'src/engine/portable/staging.ts',
    tests: SLOTS,
    mutations: [
      [
        'the longest of several texts is not wiped',
        'if (length > this.#used) this.#used = length;',
        'this.#used = length;',
      ],
      ['a smaller area is left as it is', '      this.wipe();\n', ''],
    ],
  },
  {
    file: 'src/engine/pick.ts',
    tests: ['test/engine/pick.test.ts'],
    mutations: [
      ['the self-test is not run', '  selfTest(engine);\n', ''],
      ['the end of the stack is the answer of the platform', 'if (error instanceof RangeError) throw error;', ''],
      [
        'a platform that forbids compiling throws',
        'if (error instanceof RangeError) throw error;\n    return null;',
        'throw error;',
      ],
      ['the platform is probed for each channel', 'if (simd !== undefined) return simd;', ''],
      ['any module is taken', '  useSimdEngine(engine);', '  simd = engine;'],
    ],
  },
  {
    file: 'src/accelerated.ts',
    tests: ['test/engine/pick.test.ts'],
    mutations: [
      ['a form that computes wrongly ends the program', 'if (error instanceof EngineError) return false;', ''],
      ['any exception passes for a wrong form', '    throw error;\n', '    return false;\n'],
    ],
  },
  {
    file: 'src/engine/self-test.ts',
    tests: ['test/engine/pick.test.ts'],
    mutations: [
      ['a wrong tag is not tried', "if (key.open(job)) faults.push('AES-GCM takes a wrong tag');", ''],
      ['what was sealed is not compared', 'if (toHex(job.output) !== GCM.sealed)', 'if (false)'],
      ['AES of a block is not tried', 'if (toHex(block) !== GCM.firstBlockEncrypted)', 'if (false)'],
      ['SM4 is not tried', '...sm4Faults(engine)', ''],
    ],
  },
  {
    file: 'src/random.ts',
    tests: ['test/engine/pick.test.ts'],
    mutations: [
      ['snapshots are not asked for', 'mayBuildSnapshot &&= isBuildingSnapshot();', 'mayBuildSnapshot = false;'],
    ],
  },
  {
    file: 'src/aead.ts',
    tests: ['test/engine/aead.test.ts'],
    mutations: [
      ['messages of any length', 'if (length - more > MAX_TEXT_BYTES) {', 'if (length < 0) {'],
      [
        'a message a byte too long',
        'if (length - more > MAX_TEXT_BYTES) {',
        'if (length - more > MAX_TEXT_BYTES + 1) {',
      ],
      ["the caller's key array is used", 'slot.setKey(copy);', 'slot.setKey(key);'],
      ['the copy of the key is left', '    copy.fill(0);\n', ''],
      ['a key that could not be set is left', '    slot.wipe();\n', ''],
      ["the caller's AAD is kept", '  JOB.aad = EMPTY;\n', ''],
      ["the caller's arrays are kept", '  JOB.release();\n  JOB.aad', '  JOB.aad'],
    ],
  },
  {
    file: 'src/engine/engine.ts',
    tests: ['test/engine/aead.test.ts'],
    mutations: [["a job keeps the caller's out", '    this.output = EMPTY;\n', '']],
  },
];
