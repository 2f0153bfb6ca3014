import type { Mutant } from '../mutant.ts'

/** Wrong orders between the disk and whoever is told that something is on it. */
export const custody: readonly Mutant[] = [
  {
    name: 'synchronous-off',
    file: 'packages/spool/src/database-file.ts',
    find: 'PRAGMA synchronous = FULL',
    replace: 'PRAGMA synchronous = OFF',
    killedBy: 'packages/spool/src/spool.test.ts',
  },
  {
    name: 'early-puback',
    file: 'edge-agent/src/spool/commit-loop.ts',
    find: '    const newNames = names.takeNew()\n',
    replace: `    const newNames = names.takeNew()
    for (const delivery of deliveries) delivery.ack()
`,
    killedBy: 'edge-agent/src/spool/commit-loop.test.ts',
  },
  {
    // As on a slow SD card: a kill between the two is met by chance less than once in ten where a commit takes 2 ms.
    name: 'early-puback-slow-commit',
    file: 'edge-agent/src/spool/commit-loop.ts',
    find: '    const newNames = names.takeNew()\n',
    replace: `    const newNames = names.takeNew()
    for (const delivery of deliveries) delivery.ack()
    await new Promise((done) => setTimeout(done, 100))
`,
    killedBy: 'edge-agent/src/spool/commit-loop.test.ts',
  },
]
