import { readFile } from 'node:fs/promises'
import type { Pace } from './pace.ts'

export interface DiskWear {
  /** Bytes that this process has sent to the disk since it started; null where the system does not tell. */
  writtenBytes: number | null
  /** The same for a whole day, at the pace of the last hour without the start; null until that is known. */
  bytesPerDay: number | null
  /** Transactions since the start: each is a flush, which is what wears an SD card. */
  commits: number
  commitsPerSecond: number
}

const dayMs = 86_400_000

/** Bytes this process caused to be written to a disk, ever; null outside of Linux. The card's own amplification comes on top. */
export async function writtenBytes(file = '/proc/self/io'): Promise<number | null> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const found = /^write_bytes: (\d+)$/m.exec(text)
  return found ? Number(found[1]) : null
}

export interface WearParts {
  writtenBytes: number | null
  commits: number
  uptimeMs: number
  /** Of the bytes written. */
  pace: Pace
}

export function diskWear({ writtenBytes: written, commits, uptimeMs, pace }: WearParts): DiskWear {
  const perMs = written === null ? null : pace.take(uptimeMs, written)
  return {
    writtenBytes: written,
    bytesPerDay: perMs === null ? null : Math.round(perMs * dayMs),
    commits,
    commitsPerSecond: Math.round((commits / Math.max(1, uptimeMs)) * 100_000) / 100,
  }
}
