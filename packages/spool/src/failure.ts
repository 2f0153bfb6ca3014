import type { ErrorCode } from '@millrace/pipeline'

/** An error on its way out of the worker; the worker itself loads nothing of the pipeline. */
export interface Failure {
  code: ErrorCode
  message: string
  hint?: string
}

export class SpoolFailure extends Error {
  readonly failure: Failure

  constructor(code: ErrorCode, message: string, hint?: string) {
    super(message)
    this.failure = hint === undefined ? { code, message } : { code, message, hint }
  }
}

/** SQLite's primary result codes that matter here. */
const sqliteCodes = { error: 1, busy: 5, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 }

/** IOERR_READ, IOERR_SHORT_READ, IOERR_CORRUPTFS. */
const readErrors = new Set([266, 522, 8458])

/** SQLite's primary result code of an error; 0 when it is not SQLite's. */
function sqliteCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === sqliteCodes.busy
}

export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === sqliteCodes.corrupt || code === sqliteCodes.notADatabase
}

/** What a file shows on opening when it cannot be read as what it says it is. A full disk is not among these. */
export function isDamageOnOpen(error: unknown): boolean {
  return (
    isDamage(error) ||
    sqliteCode(error) === sqliteCodes.error ||
    readErrors.has((error as { errcode?: number }).errcode ?? 0)
  )
}

/** IOERR_SHMSIZE: the index of SQLite's log could not grow, which only a full disk brings about. */
const noRoomForIndex = 4874

export function isFull(error: unknown): boolean {
  return sqliteCode(error) === sqliteCodes.full || (error as { errcode?: number }).errcode === noRoomForIndex
}

/** The spool's own word for it, whether the file or the disk is full. */
export function isNoRoom(error: unknown): boolean {
  return error instanceof SpoolFailure && error.failure.code === 'spool-full'
}

/** Opening needs a little room on the disk; without it SQLite may report an I/O error instead of a full disk. */
export function mayBeFullDisk(error: unknown): boolean {
  return isFull(error) || sqliteCode(error) === sqliteCodes.ioError || (error as { code?: string }).code === 'ENOSPC'
}

/** After these the connection cannot be trusted to hold what it says: only a new open can tell. */
export function isFatal(error: unknown): boolean {
  if (error instanceof SpoolFailure) return error.failure.code === 'spool-failed'
  if (isFull(error)) return false
  return isDamage(error) || sqliteCode(error) === sqliteCodes.ioError || sqliteCode(error) === sqliteCodes.cannotOpen
}

/** Why the spool of a folder does not open. */
export function openFailureOf(error: unknown, folder: string): Failure {
  if (error instanceof SpoolFailure) return error.failure
  const message = error instanceof Error ? error.message : String(error)
  const hint = 'Is it a folder in which this user may write, on a disk with some room?'
  return { code: 'spool-failed', message: `cannot open the spool in ${folder}: ${message}`, hint }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof SpoolFailure) return error.failure
  const message = error instanceof Error ? error.message : String(error)
  if (isFull(error)) return { code: 'spool-full', message: 'the disk of the spool is full' }
  if (isFatal(error)) {
    return {
      code: 'spool-failed',
      message: `the spool's disk failed: ${message}`,
      hint: 'Start again: it is checked then.',
    }
  }
  return { code: 'internal', message: `the spool refused a statement: ${message}` }
}
