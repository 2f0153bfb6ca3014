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

function openLock(dataDir: string, file: string): DatabaseSync {
  try {
    return new DatabaseSync(join(dataDir, file), { timeout: 0 })
  } catch (error) {
    throw unusable(dataDir, error)
  }
}

interface Lock {
  release(): void
}

/** The operating system ends the lock with the process, however it ends; undefined where another process has it. */
function takeLock(dataDir: string, file: string): Lock | undefined {
  const database = openLock(dataDir, file)
  try {
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return undefined
    throw unusable(dataDir, error)
  }
  return { release: () => database.close() }
}

/** Takes the data folder for this process. */
export function lockDataFolder(dataDir: string): Lock {
  makeFolder(dataDir)
  const lock = takeLock(dataDir, 'up.lock')
  if (lock) return lock
  const pid = readRunFile(dataDir)?.pid
  throw new UsageError(`Millrace is already running on ${dataDir}${pid ? ` (process ${pid})` : ''}`, [], {
    hint: `Stop it first${pid ? ` (Ctrl-C there, or: kill ${pid})` : ''}, or use another folder with --data-dir.`,
  })
}

/** One drill at a time: SIGUSR2 toggles the uplink, so two would restore what the other cuts. */
export function lockDrill(dataDir: string): Lock {
  const lock = takeLock(dataDir, 'drill.lock')
  if (lock) return lock
  throw new UsageError(`a drill is already under way on ${dataDir}`, [], { hint: 'Wait until it is over, or stop it.' })
}
