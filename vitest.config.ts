import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The command and the bench import the library as users do; under test that is the source, as everywhere here. */
const source = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** System tests, by their folder: they start processes, open sockets, or measure. `npm test` runs everything else. */
const SYSTEM = ['system', 'cli', 'bench', 'examples', 'hostile'].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  resolve: {
    alias: [
      { find: /^frameseal$/, replacement: source('src/index.ts') },
      { find: /^frameseal\/aead$/, replacement: source('src/aead.ts') },
      { find: /^frameseal\/recording$/, replacement: source('src/recording/recording.ts') },
      { find: /^frameseal\/srtp$/, replacement: source('src/srtp/index.ts') },
      { find: /^frameseal\/vectors$/, replacement: source('src/vectors/verify.ts') },
      { find: /^frameseal-cli\/(.+)$/, replacement: source('src/cli/$1.ts') },
    ],
  },
  test: {
    testTimeout: 60_000,
    setupFiles: ['test/support/simd-form.ts'],
    pool: 'threads',
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: SYSTEM, maxWorkers: '100%' } },
      // One file at a time: what measures should not wait for what floods.
      { extends: true, test: { name: 'system', include: SYSTEM, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
