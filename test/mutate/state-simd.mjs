/** Slots, guards, wiping and what is written when in the SIMD engine; judged by unit tests. Shape: format.mjs. */
const SLOTS = ['test/engine/slots.test.ts'];
const BLOCK = ['test/engine/block.test.ts'];
const BLOCK_ARGUMENTS = 'input: Uint8Array, output: Uint8Array): void {\n';
const NO_KEY_THROWS = '    if (!this.#hasKey) throw new EngineError(NO_KEY);\n';
const MEMORY = ['test/engine/simd/memory.test.ts'];

/** Both kinds of key of the SIMD engine. */
const SIMD_KEY = [
  [
    'a key is there before its set-up',
    '    this.#hasKey = false;\n    const memory',
    '    this.#hasKey = true;\n    const memory',
  ],
  [
    'the key before is there while the next is set up',
    '    this.#hasKey = false;\n    const memory',
    '    const memory',
  ],
  ['a wiped key is there', '    this.#hasKey = false;\n    const slot', '    const slot'],
  ['wipe leaves the slot as it is', '    this.#memory.eraseSlot(slot);\n', ''],
  ['wipe leaves scratch', '    this.#memory.wipeScratch();\n', ''],
  ['a slot is given back twice', '    this.#slot = 0;\n', ''],
  ['a slot is not given back', '    this.#memory.giveSlot(slot);\n', ''],
  ['a slot is not registered', 'this.#registry.register(this, this.#slot, this);', ''],
  ['a slot that was given back stays registered', '    this.#registry.unregister(this);\n', ''],
];

export const SIMD_RULES = [
  { file: 'src/engine/simd/gcm.ts', tests: SLOTS, mutations: SIMD_KEY },
  { file: 'src/engine/simd/sm4.ts', tests: SLOTS, mutations: SIMD_KEY },
  {
    file: 'src/engine/simd/gcm.ts',
    tests: [...SLOTS, ...MEMORY],
    mutations: [
      [
        'sealing without a key',
        'seal(job: FrameJob): void {\n    if (!this.#hasKey) throw new EngineError(NO_KEY);',
        'seal(job: FrameJob): void {',
      ],
      ['opening without a key', '    if (!this.#hasKey) return false;\n', ''],
      ['a refused job keeps the result of the one before', '    job.written = REFUSED;\n', ''],
      ['set-up leaves the key', 'memory.wipeKeySetUp();\n    }\n    this.#hasKey', '}\n    this.#hasKey'],
      ['a forged frame leaves its plaintext', '      memory.text(0).wipe(job.length);\n', ''],
      [
        'a long text is deciphered before it has authenticated',
        '    if (difference !== 0) return false;\n    this.#cryptLong(area.at, length);',
        '    this.#cryptLong(area.at, length);\n    if (difference !== 0) return false;',
      ],
      ['the tag of a long text has 15 bytes', 'i < TAG_BYTES; i++) difference', 'i < TAG_BYTES - 1; i++) difference'],
      [
        'guards are not looked at before a long text',
        '    memory.checkGuards();\n    memory.putNonce',
        '    memory.putNonce',
      ],
    ],
  },
  {
    file: 'src/engine/simd/gcm.ts',
    tests: BLOCK,
    mutations: [
      ['a block without a key', `encryptBlock(${BLOCK_ARGUMENTS}${NO_KEY_THROWS}`, `encryptBlock(${BLOCK_ARGUMENTS}`],
      ['a block leaves its key stream', 'finally {\n      memory.wipeKeySetUp();\n    }\n  }', 'finally {}\n  }'],
      ['a block is added to what was there', '      heap.fill(0, TEXT, TEXT + BLOCK_BYTES);\n', ''],
    ],
  },
  {
    file: 'src/engine/simd/memory.ts',
    tests: MEMORY,
    mutations: [
      ['guards are not looked at', '    this.checkGuards();\n', ''],
      [
        'the check of guards restores them',
        '      throw new EngineError("the engine',
        '      this.#setGuard(GUARD);\n      throw new EngineError("the engine',
      ],
      ['no guard behind a long text', ' || words[long] !== GUARD_WORD', ''],
      [
        'a part of a slot is not erased',
        'this.heap.fill(0, slot, slot + this.slotBytes);',
        'this.heap.fill(0, slot, slot + this.slotBytes - 16);',
      ],
      [
        'a part of scratch is not wiped',
        'this.heap.fill(0, HASH_STATE, SCRATCH_END);',
        'this.heap.fill(0, HASH_STATE, TEXT);',
      ],
      ['the long text is not wiped', 'this.heap.fill(0, start, Math.min(', 'void (this.heap, start, Math.min('],
      [
        'the longest of several long texts is not wiped',
        'if (length > this.#longUsed) this.#longUsed = length;',
        'this.#longUsed = length;',
      ],
      ['a long text becomes slots as it is', '    this.wipeScratch();\n    const room', '    const room'],
      ['a guard becomes a slot', 'this.heap.fill(0, before.end - GUARD_BYTES, before.end);', ''],
      ['the area before the longer one is used', '    this.#longText = undefined;\n    if (before', '    if (before'],
      ['areas outlive the memory', '    this.#texts = [];\n    this.#longText = undefined;\n  }', '  }'],
      [
        'a long text without memory throws for what came from a network',
        'if (error instanceof EngineError) return undefined;',
        '',
      ],
      ['a slot is handed out twice', 'this.#freeSlots.pop()', 'this.#freeSlots.at(-1)'],
    ],
  },
  {
    file: 'src/engine/simd/memory.ts',
    tests: ['test/engine/gcm.test.ts'],
    mutations: [['the tag has 12 bytes', ' | words[at + 3]!', '']],
  },
  {
    file: 'src/engine/simd/together.ts',
    tests: ['test/engine/batch.test.ts', ...SLOTS],
    mutations: [
      [
        'forged frames leave their plaintext',
        'if (isShared(job) && !memory.isGenuine(i)) memory.text(i).wipe(job.length);',
        '',
      ],
      ['forged frames are written', 'isShared(job) && memory.isGenuine(i)', 'isShared(job)'],
      [
        'refused jobs keep the results of those before',
        'for (let i = 0; i < count; i++) jobs[i]!.written = REFUSED;',
        '',
      ],
      ['keys that were wiped take part', ' &&\n    (job.key as SimdGcmKey).hasKey', ''],
      ['AAD without room for zeros', 'job.aadLength < AAD_BYTES', 'job.aadLength <= AAD_BYTES + 16'],
    ],
  },
  {
    file: 'src/engine/simd/sm4.ts',
    tests: ['test/engine/simd/sm4.test.ts', ...SLOTS],
    mutations: [
      ['encrypting without a key', 'if (!this.#hasKey) throw new EngineError(NO_KEY);', ''],
      ['a refused job keeps the result of the one before', '    job.written = REFUSED;\n', ''],
      [
        'refused jobs keep the results of those before',
        'for (let i = 0; i < count; i++) jobs[i]!.written = REFUSED;',
        '',
      ],
      ['set-up leaves the key', 'heap.fill(0, KEY_INPUT, KEY_INPUT + BLOCK_BYTES);', ''],
      ['a refused frame leaves its plaintext', '      area.wipe(length);\n      // The pieces', '      // The pieces'],
      [
        'a long refused frame leaves its last piece',
        'if (length > PIECE_BYTES) this.#memory.text(0).wipe(PIECE_BYTES);',
        '',
      ],
      ['a refused frame leaves its states', '      this.#blocks.wipeStates();\n', ''],
      ['refused frames leave their plaintext', '        area.wipe(length);\n        refused', '        refused'],
      ['refused frames leave their states', 'if (refused) blocks.wipeStates();', ''],
      ['guards are not looked at', '    memory.checkGuards();\n    return area;', '    return area;'],
      [
        'guards are not looked at before a batch is encrypted',
        'blocks.add(i, padded >>> 4);\n    }\n    memory.checkGuards();',
        'blocks.add(i, padded >>> 4);\n    }',
      ],
      [
        'guards are not looked at before a batch is decrypted',
        'blocks.add(i, length >>> 4);\n    }\n    memory.checkGuards();',
        'blocks.add(i, length >>> 4);\n    }',
      ],
    ],
  },
  {
    file: 'src/engine/simd/memory.ts',
    tests: SLOTS,
    mutations: [
      ['set-up of a key leaves scratch', 'this.heap.fill(0, HASH_STATE, PACKED_BLOCKS);', ''],
      ['set-up of a key leaves H', 'this.text(0).wipe(KEY_SET_UP_TEXT_BYTES);', ''],
    ],
  },
];
