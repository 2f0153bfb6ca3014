import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { type Logger, MillraceError } from '@millrace/pipeline'
import { syncFolder } from '@millrace/pipeline/sync-folder'
import { type CutLog, cutTornLog } from './duckdb-log.ts'
import { alertTable, completenessTable, createTable, readingTable, summaryTable } from './duckdb-tables.ts'

const application = 'millrace-store'
const version = 1
const marker = 'millrace_file'

function foreign(file: string, what: string, cause?: unknown): MillraceError {
  return new MillraceError('store-foreign', `the DuckDB store ${file} ${what}; it was left as it is`, {
    hint: 'move the file away, or name another one with stores[].file',
    cause,
  })
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

function open(file: string): Promise<DuckDBInstance> {
  return DuckDBInstance.create(file, { threads: '2', memory_limit: '1GB' })
}

async function openInstance(file: string): Promise<{ instance: DuckDBInstance; cut?: CutLog }> {
  try {
    return { instance: await open(file) }
  } catch (cause) {
    const text = textOf(cause)
    const cut = cutTornLog(file, text, marker)
    if (cut) return { instance: await openCut(file, cut), cut }
    if (!/lock/i.test(text)) throw foreign(file, `cannot be opened: ${text.split('\n')[0]}`, cause)
    throw new MillraceError('store-locked', `the DuckDB store ${file} is open in another process`, {
      hint: 'stop the other ingest, or name another file with stores[].file',
      cause,
    })
  }
}

async function openCut(file: string, cut: CutLog): Promise<DuckDBInstance> {
  try {
    return await open(file)
  } catch (cause) {
    cut.undo()
    throw foreign(file, `cannot be opened: ${textOf(cause).split('\n')[0]}`, cause)
  }
}

async function tablesOf(connection: DuckDBConnection): Promise<string[]> {
  const found = await connection.runAndReadAll(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' AND table_catalog = current_database()",
  )
  return found.getRowsJS().map(([name]) => String(name))
}

async function checkVersion(connection: DuckDBConnection, file: string): Promise<void> {
  const found = await connection.runAndReadAll(`SELECT application, version FROM ${marker}`)
  const [row] = found.getRowsJS()
  if (row?.[0] !== application) throw foreign(file, 'belongs to another program')
  if (Number(row[1]) !== version) throw foreign(file, `has version ${row[1]}, this program reads version ${version}`)
}

async function createTables(connection: DuckDBConnection): Promise<void> {
  const tables = [
    createTable('summary_1m', summaryTable),
    createTable('summary_1h', summaryTable),
    createTable('summary_1d', summaryTable),
    createTable('completeness_1m', completenessTable),
    createTable('reading', readingTable),
    `CREATE TABLE ${marker} (application VARCHAR, version INTEGER)`,
    `INSERT INTO ${marker} VALUES ('${application}', ${version})`,
  ]
  await connection.run(`BEGIN; ${tables.join('; ')}; COMMIT`)
}

/** Made beside its place and renamed whole: a power cut leaves no half of a file, which would be taken for another's. */
async function create(file: string): Promise<void> {
  const made = `${file}.new`
  for (const path of [made, `${made}.wal`]) rmSync(path, { force: true })
  const { instance } = await openInstance(made)
  const connection = await instance.connect()
  await createTables(connection)
  await connection.run('CHECKPOINT')
  connection.closeSync()
  instance.closeSync()
  renameSync(made, file)
  syncFolder(dirname(file))
}

/** Opens or makes the file. Throws a MillraceError, and changes nothing, when it is another program's or version's. */
export async function openDuckDb(file: string, log: Logger): Promise<{ instance: DuckDBInstance; tables: string[] }> {
  if (!existsSync(file)) await create(file)
  const { instance, cut } = await openInstance(file)
  const connection = await instance.connect()
  try {
    const tables = await tablesOf(connection)
    if (tables.includes(marker)) await checkVersion(connection, file)
    else if (tables.length > 0) throw foreign(file, 'belongs to another program')
    else await createTables(connection)
    await connection.run(createTable('alert', alertTable))
    const found = { instance, tables: await tablesOf(connection) }
    connection.closeSync()
    if (cut) log.warn({ at: cut.at, kept: cut.kept }, tornText)
    return found
  } catch (error) {
    connection.closeSync()
    instance.closeSync()
    throw error
  }
}

const tornText =
  'the log of the DuckDB store ended torn, as a power cut leaves it, and was read up to there; it was kept'
