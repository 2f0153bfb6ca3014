import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { spoolDatabase } from './database.ts'
import { markSuspect, type OpenedFile, openFile } from './database-file.ts'
import { type Failure, failureOf, isFatal, mayBeFullDisk, openFailureOf, SpoolFailure } from './failure.ts'
import { fileInPlace } from './file-in-place.ts'
import { type HeldRoom, holdRoom } from './held-room.ts'
import { lockFolder } from './lock.ts'
import { type Answer, type Reply, type Request, transferable } from './protocol.ts'
import type { SpoolOptions } from './types.ts'

/** Before it, a reset of the WAL could corrupt a database. */
const minSqliteVersion = '3.51.3'

/** Enough for SQLite's log and its copy into the file while a full disk is being emptied. */
const maxHeldBytes = 16 * 1024 * 1024

const options = workerData as SpoolOptions
const port = parentPort!

function checkSqliteVersion(): void {
  const probe = new DatabaseSync(':memory:')
  const version = String(probe.prepare('SELECT sqlite_version() AS version').get()?.version)
  probe.close()
  if (version.localeCompare(minSqliteVersion, 'en', { numeric: true }) >= 0) return
  throw new SpoolFailure('sqlite-too-old', `SQLite ${version} is older than ${minSqliteVersion}`, 'Use a newer Node.')
}

function send(answer: Answer): void {
  const reply: Reply = { answer }
  port.postMessage(reply, Array.isArray(answer) ? transferable(answer) : [])
}

/** On a full disk the held room is given up so that the spool opens and can be emptied. */
function openWithRoom(held: HeldRoom): OpenedFile {
  try {
    return openFile(options)
  } catch (error) {
    if (!mayBeFullDisk(error) || !held.release()) throw error
    return openFile(options)
  }
}

function open() {
  checkSqliteVersion()
  const lock = lockFolder(options.folder)
  const held = holdRoom(options.folder, Math.min(options.reserveBytes, maxHeldBytes))
  const { database, name, movedAside } = openWithRoom(held)
  held.refill()
  const spool = spoolDatabase(database, options, held)
  const inPlace = fileInPlace(database, options.folder)
  const close = () => {
    database.close()
    lock.release()
  }
  return { spool, inPlace, close, opened: { name, movedAside, epoch: randomBytes(6).toString('hex') } }
}

function serve(): void {
  const { spool, inPlace, close, opened } = open()
  let dead: Failure | undefined
  const handle = (request: Request): Answer => {
    if (request.kind === 'write') {
      inPlace.check()
      spool.write(request.statements, request.reserve)
      return inPlace.check() as undefined
    }
    if (request.kind === 'read') return spool.read(request.sql, request.params)
    if (request.kind === 'usage') return spool.usage()
    return close() as undefined
  }
  port.on('message', (request: Request) => {
    try {
      if (dead && request.kind !== 'close') throw new SpoolFailure(dead.code, dead.message, dead.hint)
      send(handle(request))
    } catch (error) {
      const failure = failureOf(error)
      if (isFatal(error)) {
        dead = failure
        markSuspect(options.folder)
      }
      port.postMessage({ failure } satisfies Reply)
    }
    if (request.kind === 'close') port.close()
  })
  send(opened)
}

try {
  serve()
} catch (error) {
  port.postMessage({ failure: openFailureOf(error, options.folder) } satisfies Reply)
}
