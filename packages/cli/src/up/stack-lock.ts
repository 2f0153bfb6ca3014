import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { UsageError } from '@millrace/pipeline'
import { readRunFile } from './run-file.ts'

/** Takes the data folder for this process. The operating system ends the lock with the process, however it ends. */
export function lockDataFolder(dataDir: string): { release(): void } {
  mkdirSync(dataDir, { recursive: true })
  const database = new DatabaseSync(join(dataDir, 'up.lock'), { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch {
    database.close()
    const pid = readRunFile(dataDir)?.pid
    throw new UsageError(`Millrace is already running on ${dataDir}${pid ? ` (process ${pid})` : ''}`, [], {
      hint: `Stop it first${pid ? ` (Ctrl-C there, or: kill ${pid})` : ''}, or use another folder with --data-dir.`,
    })
  }
  return { release: () => database.close() }
}
