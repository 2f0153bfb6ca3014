import type { Mutant } from '../mutant.ts'

const killedBy = 'e2e/a-power-cut-shows-a-bad-build.integration.test.ts > finds nothing in'
const killedByTrace = 'e2e/a-log-left-by-a-kill-is-flushed-first.integration.test.ts'

/** Wrong only where the power fails: kill -9 shows none of them. */
export const powerCuts: readonly Mutant[] = [
  {
    name: 'synchronous-normal',
    file: 'packages/spool/src/database-file.ts',
    find: 'PRAGMA synchronous = FULL',
    replace: 'PRAGMA synchronous = NORMAL',
    killedBy,
  },
  {
    name: 'unflushed-log-believed',
    file: 'packages/spool/src/database-file.ts',
    find: '    flushLog(file, options.folder)\n',
    replace: '',
    killedBy: killedByTrace,
  },
  {
    name: 'unflushed-folders',
    file: 'packages/pipeline/src/folders.ts',
    find: '  syncFolder(above)\n',
    replace: '',
    killedBy,
  },
  {
    name: 'early-receipt',
    file: 'cloud-ingest/src/spool/intake.ts',
    find: `    await this.spool.write([...group.statements(), ...cursors.save(logHead, group.n)])`,
    replace: `    this.spool.write([...group.statements(), ...cursors.save(logHead, group.n)]).catch(() => undefined)`,
    killedBy,
  },
]
