import { createReadStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Alert } from '@millrace/contracts'
import type { StoreBatch } from '../stored.ts'
import { type Counts, format, type Head, type Line, version } from './format.ts'

const spoolPieceBytes = 48 * 1024

export interface BackupSource {
  store: string
  atMs: number
  /** Folder for the copy of the spool while it is read. */
  dataDir: string
  copySpoolTo(file: string): Promise<void>
  readAll(): AsyncIterable<StoreBatch>
  readAllAlerts(): AsyncIterable<Alert[]>
}

/** Spool and rows are to stand still until the stream has ended. */
export function backupStream(source: BackupSource): Readable {
  return Readable.from(texts(source)).compose(createGzip({ level: 1 })) as unknown as Readable
}

async function* texts(source: BackupSource): AsyncIterable<string> {
  const { store, atMs } = source
  const counts: Counts = { spoolBytes: 0, rows: 0, completeness: 0, alerts: 0 }
  yield lineOf({ format, version, store, atMs } satisfies Head)
  for await (const piece of spoolPieces(source)) {
    counts.spoolBytes += piece.length
    yield lineOf({ spool: piece.toString('base64') })
  }
  for await (const { rows, completeness } of source.readAll()) {
    counts.rows += rows.length
    counts.completeness += completeness.length
    if (rows.length > 0) yield lineOf({ rows })
    if (completeness.length > 0) yield lineOf({ completeness })
  }
  for await (const alerts of source.readAllAlerts()) {
    counts.alerts += alerts.length
    if (alerts.length > 0) yield lineOf({ alerts })
  }
  yield lineOf({ end: counts })
}

const lineOf = (line: Line) => `${JSON.stringify(line)}\n`

async function* spoolPieces({ dataDir, copySpoolTo }: BackupSource): AsyncIterable<Buffer> {
  const file = join(dataDir, `spool-copy-${process.pid}-${performance.now()}.tmp`)
  try {
    await copySpoolTo(file)
    yield* createReadStream(file, { highWaterMark: spoolPieceBytes })
  } finally {
    rmSync(file, { force: true })
  }
}
