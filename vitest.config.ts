import { defineConfig } from 'vitest/config'

const integration = process.env.MILLRACE_INTEGRATION === '1'

export default defineConfig({
  test: {
    include: integration ? ['**/*.integration.test.ts'] : ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', ...(integration ? [] : ['**/*.integration.test.ts'])],
    testTimeout: integration ? 300_000 : 30_000,
    hookTimeout: 60_000,
    fileParallelism: !integration,
    maxWorkers: 2,
  },
})
