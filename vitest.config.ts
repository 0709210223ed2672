import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The command and the bench import the library as users do; under test that is the source, as everywhere here. */
const source = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^frameseal$/, replacement: source('src/index.ts') },
      { find: /^frameseal\/aead$/, replacement: source('src/aead.ts') },
      { find: /^frameseal\/vectors$/, replacement: source('src/vectors/verify.ts') },
      { find: /^frameseal-cli\/terminal$/, replacement: source('src/cli/terminal.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    setupFiles: ['test/support/simd-form.ts'],
    pool: 'threads',
  },
});
