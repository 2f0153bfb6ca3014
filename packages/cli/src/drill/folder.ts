import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { UsageError } from '@millrace/pipeline'
import { agentDataIn } from '../up/config-files.ts'
import { isAlive } from '../up/run-file.ts'
import { unmount } from './small-disk.ts'

const prefix = 'millrace-drill-'

/** A drill that was killed left its folder, and a disk in memory mounted in it. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? []
    if (pid !== undefined && !isAlive(Number(pid))) removeFolder(join(tmpdir(), name))
  }
}

/** With what is mounted in it. A folder of somebody else stays. */
export function removeFolder(folder: string): void {
  try {
    unmount(agentDataIn(folder))
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM' && (error as NodeJS.ErrnoException).code !== 'EACCES')
      throw error
  }
}

/** A new folder, or the one that was named, which must be empty or not there yet. */
export function drillFolder({ dataDir, keep }: { dataDir?: string; keep?: boolean }): string {
  if (dataDir === undefined) {
    sweep()
    return mkdtempSync(join(tmpdir(), keep ? 'millrace-kept-drill-' : `${prefix}${process.pid}-`))
  }
  const folder = resolve(dataDir)
  if (!existsSync(folder) || readdirSync(folder).length === 0) return folder
  throw new UsageError('millrace drill makes a stack of its own and never touches another', [
    { path: '--data-dir', found: `${folder}, which is not empty`, expected: 'an empty or new folder' },
  ])
}
