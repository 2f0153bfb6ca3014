/**
 * Reads a spool without changing a byte of it, whoever it belongs to and however damaged it is.
 *
 *   a service has it open      -> a read-only connection beside it, as SQLite allows
 *   nobody has, no log left    -> the file as it stands, which SQLite promises not to touch (`immutable`)
 *   nobody has, a log is left  -> a copy elsewhere, as reading a log means writing beside it
 */
import { constants, copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { UsageError } from '@millrace/pipeline'
import { isBusy } from './failure.ts'
import type { Spool, SqlValue } from './types.ts'

export interface SpoolFacts {
  /** Absolute. */
  file: string
  /** Of the file, and of the log beside it. */
  bytes: number
  logBytes: number
  /** A service has it open now. */
  running: boolean
  /** Null where it cannot be told. */
  application: string | null
  name: string | null
  version: number | null
  /** What is damaged, foreign or missing; null where nothing was found. */
  problem: string | null
  /** Tables that could not be read, with the reason. */
  unreadable: Record<string, string>
  tables: string[]
}

export interface SpoolReader {
  facts: SpoolFacts
  /** For the readers of tables. Rejects where a table is missing or damaged. */
  spool: Pick<Spool, 'read'>
  /** The sections that can be read, by name; why the others cannot is in `facts.unreadable`. */
  sections(readers: Readonly<Record<string, (spool: Spool) => Promise<unknown>>>): Promise<Record<string, unknown>>
  close(): void
}

const quickCheckBelowBytes = 64 * 1024 * 1024

/** Throws a UsageError where there is no spool in the folder. */
export function readSpool(folder: string): SpoolReader {
  const file = join(resolve(folder), 'spool.db')
  if (!existsSync(file)) {
    const problem = { path: 'FOLDER', found: `${folder} without a spool.db`, expected: 'the folder of a spool' }
    throw new UsageError('there is no spool', [problem])
  }
  const facts = emptyFacts(file, isLocked(folder))
  const opened = openUnchanged(facts)
  const read = (sql: string, params: readonly SqlValue[] = []) => rowsOf(opened.database, sql, params)
  if (opened.database) identify(facts, read)
  const spool: SpoolReader['spool'] = { read: async (sql, params) => read(sql, params) }
  return {
    facts,
    spool,
    async sections(readers) {
      const found: Record<string, unknown> = {}
      for (const [name, section] of Object.entries(readers)) {
        try {
          found[name] = await section(spool as Spool)
        } catch (error) {
          facts.unreadable[name] = error instanceof Error ? error.message : String(error)
        }
      }
      return found
    },
    close: opened.close,
  }
}

function emptyFacts(file: string, running: boolean): SpoolFacts {
  return {
    ...{ file, running, bytes: sizeOf(file), logBytes: sizeOf(`${file}-wal`) },
    ...{ application: null, name: null, version: null, problem: null, unreadable: {}, tables: [] },
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** The lock is an open transaction on a file of its own; see `lock.ts`. */
function isLocked(folder: string): boolean {
  const lock = join(folder, 'spool.lock')
  if (!existsSync(lock)) return false
  const database = new DatabaseSync(lock, { readOnly: true, timeout: 0 })
  try {
    database.prepare('SELECT 1 FROM sqlite_master').all()
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database.close()
  }
}

interface Opened {
  database: DatabaseSync | undefined
  close(): void
}

function openUnchanged(facts: SpoolFacts): Opened {
  try {
    if (facts.running) return opened(new DatabaseSync(facts.file, { readOnly: true, timeout: 5_000 }))
    if (facts.logBytes === 0) return opened(new DatabaseSync(immutable(facts.file), { readOnly: true }))
    return openCopy(facts.file)
  } catch (error) {
    facts.problem = `it cannot be opened: ${error instanceof Error ? error.message : String(error)}`
    return { database: undefined, close: () => undefined }
  }
}

function opened(database: DatabaseSync): Opened {
  return { database, close: () => database.close() }
}

function immutable(file: string): URL {
  const url = pathToFileURL(file)
  url.searchParams.set('mode', 'ro')
  url.searchParams.set('immutable', '1')
  return url
}

function openCopy(file: string): Opened {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-inspect-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    for (const suffix of ['', '-wal'])
      copyFileSync(file + suffix, join(folder, `spool.db${suffix}`), constants.COPYFILE_FICLONE)
    const database = new DatabaseSync(join(folder, 'spool.db'))
    const close = () => {
      database.close()
      remove()
    }
    return { database, close }
  } catch (error) {
    remove()
    throw error
  }
}

function rowsOf(database: DatabaseSync | undefined, sql: string, params: readonly SqlValue[]): SqlValue[][] {
  if (!database) throw new Error('the file cannot be opened')
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  return statement.all(...params) as unknown as SqlValue[][]
}

type Read = (sql: string) => SqlValue[][]

function identify(facts: SpoolFacts, read: Read): void {
  try {
    facts.version = Number(read('PRAGMA user_version')[0]?.[0])
    facts.tables = read("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").map(([name]) =>
      String(name),
    )
    if (!facts.tables.includes('spool_identity')) facts.problem = 'it is a database of another program'
    else {
      const [application, name] = read('SELECT application, name FROM spool_identity')[0] ?? []
      facts.application = String(application)
      facts.name = String(name)
    }
    if (facts.bytes > quickCheckBelowBytes) return
    const verdict = String(read('PRAGMA quick_check(1)')[0]?.[0])
    if (verdict !== 'ok') facts.problem = `it is damaged: ${verdict}`
  } catch (error) {
    facts.problem = `it is damaged: ${error instanceof Error ? error.message : String(error)}`
  }
}
