import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { mutantPlugin } from './vite-plugin.ts'

/** Any test, with the mutant that MILLRACE_MUTANT names. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  plugins: [mutantPlugin()],
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 1,
    // Keyed by the source as it is on disk: it would hand one mutant's code to the next.
    fsModuleCache: false,
  },
})
