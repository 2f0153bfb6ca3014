import { closeSync, fsyncSync, openSync, renameSync, rmSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { syncFolder } from '@millrace/pipeline/sync-folder'
import { maxLogBytes, setAside } from './database-file.ts'
import { SpoolFailure } from './failure.ts'

export interface FileInPlace {
  /**
   * Throws a SpoolFailure where the files that are open are no longer those of the folder: what is written to them is
   * gone with the process. Whatever they hold has been put back before, where the folder is still locked by this
   * process; a file that took their place is kept beside.
   */
  check(): void
}

const look = (path: string) => statSync(path, { throwIfNoEntry: false })
const isSame = (a: Stats | undefined, b: Stats | undefined) => a?.ino === b?.ino && a?.dev === b?.dev

function whyGone(paths: readonly string[], opened: readonly (Stats | undefined)[]): string | undefined {
  const at = paths.findIndex((path, i) => !isSame(look(path), opened[i]))
  if (at < 0) return undefined
  return `${paths[at]} was ${look(paths[at]!) ? 'replaced' : 'removed'} while the spool was open`
}

function copyWhole(database: DatabaseSync, to: string): void {
  rmSync(to, { force: true })
  database.exec(`VACUUM INTO '${to.replaceAll("'", "''")}'`)
  const handle = openSync(to, 'r+')
  fsyncSync(handle)
  closeSync(handle)
}

/** Notices that the open spool was deleted, replaced or cut under the service, which SQLite does not. */
export function fileInPlace(database: DatabaseSync, folder: string): FileInPlace {
  const file = join(folder, 'spool.db')
  const log = `${file}-wal`
  const lock = join(folder, 'spool.lock')
  const paths = [file, log]
  const opened = paths.map(look)
  const ownLock = look(lock)
  let logBytes = 0

  const putBack = () => {
    if (isSame(look(file), opened[0])) database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    else copyWhole(database, `${file}.rescued`)
    if (isSame(look(file), opened[0])) {
      if (look(log)) renameSync(log, `${log}.stray`)
    } else {
      setAside(file)
      renameSync(`${file}.rescued`, file)
    }
    syncFolder(folder)
  }
  const rescued = (why: string): string => {
    if (!isSame(look(lock), ownLock)) return `${why}; the folder is another's now, so nothing was put back`
    try {
      putBack()
      return `${why}; what it held was put back`
    } catch (error) {
      return `${why}, and could not be put back: ${error instanceof Error ? error.message : error}`
    }
  }
  return {
    check() {
      const gone = whyGone(paths, opened)
      if (gone !== undefined)
        throw new SpoolFailure('spool-failed', rescued(gone), 'Start again: it goes on from there.')
      const size = look(log)?.size ?? 0
      // SQLite itself never makes it smaller than this.
      if (size < Math.min(logBytes, maxLogBytes)) {
        throw new SpoolFailure(
          'spool-failed',
          `${log} was cut while the spool was open`,
          'Start again: it is checked then.',
        )
      }
      logBytes = size
    },
  }
}
