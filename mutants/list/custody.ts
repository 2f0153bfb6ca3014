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
]
