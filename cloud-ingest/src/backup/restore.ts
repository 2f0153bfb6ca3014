import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import type { Alert } from '@millrace/contracts'
import { type Logger, MillraceError, makeConfiguredFolders, type Problem, UsageError } from '@millrace/pipeline'
import type { Refusal, Store, StoreBatch } from '../stored.ts'
import { type Counts, type Head, headSchema, lineSchema, readable } from './format.ts'
import { begunIn, howToGoOn, markBegun, unmark } from './marker.ts'
import { SpoolFile } from './spool-file.ts'

export interface RestoreTarget {
  dataDir: string
  stores: ReadonlyMap<string, Store>
  log: Logger
}

/** What was brought back; rows that a store refuses, as those beyond its retention, are counted. */
export interface Restored extends Counts {
  refused: number
  head: Head
}

const unsound = (file: string, why: string, cause?: unknown) =>
  new MillraceError('check-failed', `the backup ${file} cannot be restored: ${why}`, { cause })

/**
 * Brings a backup back into empty stores and a place without a spool. The file is read to its end first: throws, and
 * changes nothing, where it is not whole or where there is something. One that was interrupted may be repeated with
 * the same backup: the spool comes into its place last.
 */
export async function restore(file: string, target: RestoreTarget): Promise<Restored> {
  const { dataDir, stores, log } = target
  const { id } = await readBackup(file, { stores: [], spool: undefined, log })
  await demandNothingThere(target, id)
  const folder = join(dataDir, 'spool')
  makeConfiguredFolders(folder, 'dataDir')
  markBegun(dataDir, { backup: id, file })
  const spool = new SpoolFile(join(folder, 'spool.db.restored'))
  const { id: again, ...restored } = await readBackup(file, { stores: [...stores.values()], spool, log })
  if (again !== id) throw unsound(file, 'it changed while it was read')
  spool.place(join(folder, 'spool.db'))
  unmark(dataDir)
  return restored
}

/** No ingest starts on a restore that was interrupted, so what it left is still of that backup alone. */
async function demandNothingThere({ dataDir, stores }: RestoreTarget, id: string): Promise<void> {
  const begun = begunIn(dataDir)
  const repeated = begun !== undefined && begun !== 'unknown' && begun.backup === id
  const problems = spoolProblems(join(dataDir, 'spool'), repeated)
  if (begun !== undefined && !repeated) problems.push(ofAnother(dataDir, begun === 'unknown' ? undefined : begun.file))
  if (begun === undefined) problems.push(...(await storeProblems(stores)))
  if (problems.length === 0) return
  const hint = begun === undefined ? {} : { hint: howToGoOn }
  throw new UsageError(`nothing was restored into ${dataDir}`, problems, hint)
}

const ofAnother = (dataDir: string, file = 'another backup'): Problem => ({
  path: 'dataDir',
  found: `a part of ${file} in ${dataDir}`,
  expected: 'the same backup once more, or an empty place',
})

function spoolProblems(folder: string, repeated: boolean): Problem[] {
  const name = ['spool.db', 'spool.db-wal', 'spool.db-shm']
    .slice(repeated ? 1 : 0)
    .find((name) => existsSync(join(folder, name)))
  if (name === undefined) return []
  return [{ path: 'dataDir', found: `a spool in ${folder} (${name})`, expected: 'none: move it away first' }]
}

async function storeProblems(stores: ReadonlyMap<string, Store>): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const [type, store] of stores) {
    if ((await store.series()).length === 0) continue
    problems.push({
      path: `stores (${type})`,
      found: 'rows',
      expected: 'an empty store, or another file or database',
    })
  }
  return problems
}

interface Into {
  stores: readonly Store[]
  /** Undefined where the backup is only looked through. */
  spool: SpoolFile | undefined
  log: Logger
}

interface Read extends Restored {
  /** Of what is in the backup. */
  id: string
}

async function readBackup(file: string, into: Into): Promise<Read> {
  const reader = new BackupReader(file, into)
  const input = createReadStream(file)
  const unpacked = input.pipe(createGunzip())
  input.on('error', (error) => unpacked.destroy(error))
  try {
    for await (const line of createInterface({ input: unpacked, crlfDelay: Number.POSITIVE_INFINITY }))
      await reader.take(line)
  } catch (error) {
    if (error instanceof MillraceError) throw error
    throw unsound(file, error instanceof Error ? error.message : String(error), error)
  }
  return reader.finish()
}

class BackupReader {
  private readonly file: string
  private readonly into: Into
  private readonly seen = { spoolBytes: 0, rows: 0, completeness: 0, alerts: 0 }
  private head: Head | undefined
  private end: Counts | undefined
  private refused = 0
  private readonly hash = createHash('sha256')

  constructor(file: string, into: Into) {
    this.file = file
    this.into = into
  }

  async take(text: string): Promise<void> {
    this.hash.update(`${text}\n`)
    if (this.head === undefined) this.takeHead(text)
    else await this.takeLine(lineSchema.parse(JSON.parse(text)))
  }

  finish(): Read {
    const { head, end, seen } = this
    if (!head || !end) throw unsound(this.file, 'it is not whole')
    const differs = (Object.keys(seen) as (keyof Counts)[]).some((name) => seen[name] !== end[name])
    if (differs) throw unsound(this.file, `it holds ${JSON.stringify(seen)}, and says ${JSON.stringify(end)}`)
    return { ...end, refused: this.refused, head, id: this.hash.digest('hex') }
  }

  private takeHead(text: string): void {
    const { data } = headSchema.safeParse(JSON.parse(text))
    if (!data) throw unsound(this.file, 'it is no backup of Millrace')
    if (!readable.includes(data.version))
      throw unsound(this.file, `it has version ${data.version}; this program reads versions ${readable.join(' and ')}`)
    this.head = data
  }

  private async takeLine(line: ReturnType<typeof lineSchema.parse>): Promise<void> {
    if ('end' in line) this.end = line.end
    else if ('spool' in line) this.takeSpool(Buffer.from(line.spool, 'base64'))
    else if ('alerts' in line) await this.takeAlerts(line.alerts)
    else await this.takeRows({ rows: [], completeness: [], ...line })
  }

  private takeSpool(bytes: Buffer): void {
    this.into.spool?.append(bytes)
    this.seen.spoolBytes += bytes.length
  }

  private async takeAlerts(alerts: readonly Alert[]): Promise<void> {
    this.seen.alerts += alerts.length
    for (const store of this.into.stores) await store.writeAlerts(alerts)
  }

  private async takeRows(batch: StoreBatch): Promise<void> {
    this.seen.rows += batch.rows.length
    this.seen.completeness += batch.completeness.length
    for (const store of this.into.stores) this.note(await store.write(batch))
  }

  private note(refusals: readonly Refusal[]): void {
    const [first] = refusals
    if (!first) return
    if (this.refused === 0) this.into.log.warn({ detail: first.detail }, 'a store refuses rows of the backup')
    this.refused += refusals.length
  }
}
