import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { type Logger, MillraceError, UsageError } from '@millrace/pipeline'
import type { Refusal, Store, StoreBatch } from '../stored.ts'
import { type Counts, type Head, headSchema, lineSchema, version } from './format.ts'

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
 * Brings a backup back into empty stores and a place without a spool; throws, and changes nothing, where there is
 * something. One that was interrupted may be repeated: the spool comes into its place last.
 */
export async function restore(file: string, target: RestoreTarget): Promise<Restored> {
  const { dataDir, stores, log } = target
  const folder = join(dataDir, 'spool')
  const marker = join(dataDir, 'restore-begun')
  await demandNothingThere(target, { folder, marker })
  mkdirSync(folder, { recursive: true })
  writeFileSync(marker, `${file}\n`)
  const spool = new SpoolFile(join(folder, 'spool.db.restored'))
  const restored = await readBackup(file, { stores: [...stores.values()], spool, log })
  spool.place(join(folder, 'spool.db'))
  rmSync(marker)
  return restored
}

async function demandNothingThere(
  { dataDir, stores }: RestoreTarget,
  { folder, marker }: { folder: string; marker: string },
): Promise<void> {
  const problems: { path: string; found: string; expected: string }[] = []
  if (existsSync(join(folder, 'spool.db')))
    problems.push({ path: 'dataDir', found: `a spool in ${folder}`, expected: 'none: move it away first' })
  if (!existsSync(marker)) {
    for (const [type, store] of stores) {
      if ((await store.series()).length === 0) continue
      problems.push({
        path: `stores (${type})`,
        found: 'rows',
        expected: 'an empty store, or another file or database',
      })
    }
  }
  if (problems.length > 0) throw new UsageError(`nothing was restored into ${dataDir}`, problems)
}

/** The spool's file while it grows. */
class SpoolFile {
  private readonly path: string
  private handle: number

  constructor(path: string) {
    this.path = path
    this.handle = openSync(path, 'w', 0o600)
  }

  append(bytes: Buffer): void {
    writeSync(this.handle, bytes)
  }

  place(file: string): void {
    fsyncSync(this.handle)
    closeSync(this.handle)
    renameSync(this.path, file)
  }
}

interface Into {
  stores: readonly Store[]
  spool: SpoolFile
  log: Logger
}

async function readBackup(file: string, into: Into): Promise<Restored> {
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
  private readonly seen = { spoolBytes: 0, rows: 0, completeness: 0 }
  private head: Head | undefined
  private end: Counts | undefined
  private refused = 0

  constructor(file: string, into: Into) {
    this.file = file
    this.into = into
  }

  async take(text: string): Promise<void> {
    if (this.head === undefined) this.takeHead(text)
    else await this.takeLine(lineSchema.parse(JSON.parse(text)))
  }

  finish(): Restored {
    const { head, end, seen } = this
    if (!head || !end) throw unsound(this.file, 'it is not whole')
    const differs = (Object.keys(seen) as (keyof Counts)[]).some((name) => seen[name] !== end[name])
    if (differs) throw unsound(this.file, `it holds ${JSON.stringify(seen)}, and says ${JSON.stringify(end)}`)
    return { ...end, refused: this.refused, head }
  }

  private takeHead(text: string): void {
    const { data } = headSchema.safeParse(JSON.parse(text))
    if (!data) throw unsound(this.file, 'it is no backup of Millrace')
    if (data.version !== version)
      throw unsound(this.file, `it has version ${data.version}; this program reads version ${version}`)
    this.head = data
  }

  private async takeLine(line: ReturnType<typeof lineSchema.parse>): Promise<void> {
    if ('end' in line) this.end = line.end
    else if ('spool' in line) this.takeSpool(Buffer.from(line.spool, 'base64'))
    else await this.takeRows({ rows: [], completeness: [], ...line })
  }

  private takeSpool(bytes: Buffer): void {
    this.into.spool.append(bytes)
    this.seen.spoolBytes += bytes.length
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
