import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy, SpoolFailure } from './failure.ts'

export interface Lock {
  release(): void
}

function holderText(ownerFile: string): string {
  try {
    return ` (process ${Number.parseInt(readFileSync(ownerFile, 'utf8'), 10)})`
  } catch {
    return ''
  }
}

function noteOwner(ownerFile: string): void {
  try {
    writeFileSync(ownerFile, `${process.pid}\n`)
  } catch {
    // A full disk must not keep the service from starting for the sake of a message.
  }
}

/**
 * Takes the folder for this process. The lock is an open transaction on a file of its own, which the operating
 * system ends with the process however it ends; the process id beside it only serves the message.
 */
export function lockFolder(folder: string): Lock {
  const ownerFile = join(folder, 'spool.owner')
  const database = new DatabaseSync(join(folder, 'spool.lock'), { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw new SpoolFailure(
      'spool-locked',
      `the spool in ${folder} is in use by another process${holderText(ownerFile)}`,
      'Stop that process, or give this one a dataDir of its own.',
    )
  }
  noteOwner(ownerFile)
  return { release: () => database.close() }
}
