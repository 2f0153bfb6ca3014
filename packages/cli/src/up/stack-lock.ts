import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolders, UsageError } from '@millrace/pipeline'
import { readRunFile } from './run-file.ts'

const sqliteBusy = 5

function unusable(path: string, error: unknown): UsageError {
  const found = `${path}, which cannot be used: ${error instanceof Error ? error.message : String(error)}`
  const problem = { path: '--data-dir', found, expected: 'a folder in which this user may write' }
  return new UsageError('millrace up cannot keep its data there', [problem], {
    hint: 'Name another folder with --data-dir, or change the rights of this one.',
    cause: error,
  })
}

function existingPart(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingPart(dirname(path))
}

function makeFolder(dataDir: string): void {
  try {
    const existing = existingPart(dataDir)
    if (!statSync(existing).isDirectory()) throw new Error(`${existing} is a file`)
    accessSync(existing, constants.W_OK | constants.X_OK)
    makeFolders(dataDir)
  } catch (error) {
    throw unusable(dataDir, error)
  }
}

function openLock(dataDir: string): DatabaseSync {
  try {
    return new DatabaseSync(join(dataDir, 'up.lock'), { timeout: 0 })
  } catch (error) {
    throw unusable(dataDir, error)
  }
}

/** Takes the data folder for this process. The operating system ends the lock with the process, however it ends. */
export function lockDataFolder(dataDir: string): { release(): void } {
  makeFolder(dataDir)
  const database = openLock(dataDir)
  try {
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!(error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy)) throw unusable(dataDir, error)
    const pid = readRunFile(dataDir)?.pid
    throw new UsageError(`Millrace is already running on ${dataDir}${pid ? ` (process ${pid})` : ''}`, [], {
      hint: `Stop it first${pid ? ` (Ctrl-C there, or: kill ${pid})` : ''}, or use another folder with --data-dir.`,
    })
  }
  return { release: () => database.close() }
}
