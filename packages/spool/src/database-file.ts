import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { syncFolder } from '@millrace/pipeline/sync-folder'
import { isDamageOnOpen, SpoolFailure } from './failure.ts'
import type { SpoolOptions } from './types.ts'

/** "Mill" in ASCII, in the header of every spool. */
const applicationId = 0x4d696c6c
/** What SQLite's log may keep on disk after a large transaction. */
export const maxLogBytes = 16 * 1024 * 1024
const companions = ['-wal', '-shm']
/** Above this a full check at every start would hold the service up; it is then done only after a failure. */
const alwaysCheckedBytes = 64 * 1024 * 1024

export interface OpenedFile {
  database: DatabaseSync
  name: string
  movedAside: { reason: string; to: string } | null
}

function connect(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 1000 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY')
    database.exec(`PRAGMA journal_size_limit = ${maxLogBytes}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
}

/** Made beside its place and renamed whole, so that a spool file is complete or not there. */
function create(file: string, { folder, application, version, schema }: SpoolOptions): void {
  const temporary = `${file}.new`
  for (const suffix of ['', ...companions]) rmSync(temporary + suffix, { force: true })
  const database = connect(temporary)
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}; BEGIN`)
  database.exec('CREATE TABLE spool_identity (application TEXT NOT NULL, name TEXT NOT NULL) STRICT')
  const name = randomBytes(8).toString('hex')
  database.prepare('INSERT INTO spool_identity VALUES (?, ?)').run(application, name)
  for (const statement of schema) database.exec(statement)
  database.exec('COMMIT')
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  // Closing hides that the disk failed; what stands in the log alone would be left behind.
  if (companions.some((suffix) => existsSync(temporary + suffix))) {
    throw new SpoolFailure('spool-failed', `${file} could not be made: the disk failed`, 'Start again.')
  }
  renameSync(temporary, file)
  syncFolder(folder)
}

const leftHint = 'It was left as it is. Move it away, or give this service another dataDir.'

/**
 * What the header says before SQLite opens the file, since opening changes it: a text for damage, an error for a
 * database that is not ours. The application id stands there from the file's first moment on.
 */
function headerDamage(file: string): string | undefined {
  const header = new Uint8Array(100)
  const handle = openSync(file, 'r')
  readSync(handle, header)
  closeSync(handle)
  if (Buffer.from(header.subarray(0, 16)).toString('latin1') !== 'SQLite format 3\0') return 'it is not a database'
  if (new DataView(header.buffer).getInt32(68) === applicationId) return undefined
  throw new SpoolFailure('spool-foreign', `${file} is a database of another program`, leftHint)
}

function refuseForeign(database: DatabaseSync, file: string, options: SpoolOptions): void {
  const { application, version, oldestVersion = version } = options
  const owner = database.prepare('SELECT application FROM spool_identity').get()?.application
  if (owner !== application) {
    throw new SpoolFailure('spool-foreign', `${file} is the spool of ${owner}, not of ${application}`, leftHint)
  }
  const found = Number(pragma(database, 'user_version'))
  if (found === version) return
  if (found >= oldestVersion && found < version) {
    database.exec(`PRAGMA user_version = ${version}`)
    return
  }
  throw new SpoolFailure(
    'spool-version',
    `${file} has version ${found}; this program writes version ${version}`,
    leftHint,
  )
}

function findDamage(database: DatabaseSync, file: string): string | undefined {
  const suspect = existsSync(`${file}.suspect`)
  if (!suspect && statSync(file).size > alwaysCheckedBytes) return undefined
  const verdict = pragma(database, suspect ? 'integrity_check(1)' : 'quick_check(1)')
  if (verdict !== 'ok') return String(verdict)
  rmSync(`${file}.suspect`, { force: true })
  return undefined
}

/**
 * A process that was killed may leave transactions that no flush followed: they are read from memory, are acted on, and
 * a power cut takes them back. So what is believed from here on is put on the disk before it is read.
 */
function flushLog(file: string, folder: string): void {
  const log = `${file}-wal`
  if (!existsSync(log)) return
  const handle = openSync(log, 'r+')
  fsyncSync(handle)
  closeSync(handle)
  syncFolder(folder)
}

/** Opens an existing file; a text instead of a connection says what is damaged. */
function openExisting(file: string, options: SpoolOptions): DatabaseSync | string {
  let database: DatabaseSync | undefined
  const damagedHeader = headerDamage(file)
  if (damagedHeader !== undefined) return damagedHeader
  try {
    flushLog(file, options.folder)
    database = connect(file)
    refuseForeign(database, file, options)
    const damage = findDamage(database, file)
    if (damage === undefined) return database
    database.close()
    return damage
  } catch (error) {
    database?.close()
    if (isDamageOnOpen(error)) return (error as Error).message
    throw error
  }
}

function rename(file: string, to: string): void {
  for (const suffix of ['', ...companions]) {
    if (existsSync(file + suffix)) renameSync(file + suffix, to + suffix)
  }
}

const stamp = (atMs: number) => new Date(atMs).toISOString().replaceAll(':', '-')

/** Moves what has the spool's place aside, to be kept; without anything there nothing happens. */
export function setAside(file: string): void {
  rename(file, `${file}.stray-${stamp(Date.now())}`)
}

/** A log without its database, as where moving both aside was cut off: SQLite would read it into whatever comes next. */
function setStrayLogAside(file: string, { folder }: SpoolOptions): void {
  if (!existsSync(`${file}-wal`)) return
  setAside(file)
  syncFolder(folder)
}

function moveAside(file: string, atMs: number): string {
  const to = `${file}.damaged-${stamp(atMs)}`
  rename(file, to)
  rmSync(`${file}.suspect`, { force: true })
  return to
}

/** Opens the spool's file, made when missing and made anew when damaged; the damaged one is kept beside it. */
export function openFile(options: SpoolOptions): OpenedFile {
  const file = join(options.folder, 'spool.db')
  let movedAside: OpenedFile['movedAside'] = null
  if (!existsSync(file)) {
    setStrayLogAside(file, options)
    create(file, options)
  }
  let opened = openExisting(file, options)
  if (typeof opened === 'string') {
    movedAside = { reason: opened, to: moveAside(file, Date.now()) }
    create(file, options)
    opened = openExisting(file, options)
  }
  if (typeof opened === 'string') throw new SpoolFailure('spool-failed', `a new spool is damaged at once: ${opened}`)
  const name = opened.prepare('SELECT name FROM spool_identity').get()?.name
  return { database: opened, name: String(name), movedAside }
}

/** Asks the next start for a full check. */
export function markSuspect(folder: string): void {
  closeSync(openSync(join(folder, 'spool.db.suspect'), 'w'))
}
