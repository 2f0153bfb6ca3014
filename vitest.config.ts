import { defineConfig } from 'vitest/config'

const integration = process.env.MILLRACE_INTEGRATION === '1'

/** What measures frames, needs the product's own ports, or loads both cores by itself. */
const alone = [
  'dashboards/live/page',
  'e2e/the-alert-rules-page-does-what-it-says',
  'e2e/the-readme-does-what-it-says',
  'e2e/kill-nine-loses-nothing',
].map((path) => `${path}.integration.test.ts`)
const never = ['**/node_modules/**', '**/dist/**']
/** For what hangs: a machine that is only slow comes to its end. */
const patience = { hookTimeout: 300_000, expect: { poll: { timeout: 30_000 } } }
const test = { ...patience, testTimeout: 600_000 }

export default defineConfig({
  test: integration
    ? {
        maxWorkers: 2,
        projects: [
          {
            test: {
              ...test,
              name: 'side by side',
              include: ['**/*.integration.test.ts'],
              exclude: [...never, ...alone],
              sequence: { groupOrder: 0 },
            },
          },
          { test: { ...test, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
        ],
      }
    : {
        include: ['**/*.test.ts'],
        exclude: [...never, '**/*.integration.test.ts'],
        ...patience,
        testTimeout: 240_000,
        maxWorkers: 2,
      },
})
