import { readFile } from 'node:fs/promises'

export interface DiskWear {
  /** Bytes that this process has sent to the disk since it started; null where the system does not tell. */
  writtenBytes: number | null
  /** The same for a whole day, as it went so far; null in the first minute. */
  bytesPerDay: number | null
  /** Transactions since the start: each is a flush, which is what wears an SD card. */
  commits: number
  commitsPerSecond: number
}

const dayMs = 86_400_000
/** Before that the start itself is most of what was written. */
const settledMs = 60_000

/** Bytes this process caused to be written to a disk, ever; null outside of Linux. The card's own amplification comes on top. */
export async function writtenBytes(file = '/proc/self/io'): Promise<number | null> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const found = /^write_bytes: (\d+)$/m.exec(text)
  return found ? Number(found[1]) : null
}

export function diskWear(parts: { writtenBytes: number | null; commits: number; uptimeMs: number }): DiskWear {
  const { writtenBytes: written, commits, uptimeMs } = parts
  const known = written !== null && uptimeMs >= settledMs
  return {
    writtenBytes: written,
    bytesPerDay: known ? Math.round((written / uptimeMs) * dayMs) : null,
    commits,
    commitsPerSecond: Math.round((commits / Math.max(1, uptimeMs)) * 100_000) / 100,
  }
}
