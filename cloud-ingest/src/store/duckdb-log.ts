import { closeSync, copyFileSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncFolder } from '@millrace/pipeline/sync-folder'

const tornAt = /^(?=.*replaying WAL).*at byte position (\d+)/s

/** Size and checksum of an entry, which stand before the place that DuckDB names. */
const entryHeadBytes = 16

export interface CutLog {
  /** Its bytes now: those of the entries that could be read. */
  at: number
  /** All of the log as it was found; the next one that is cut takes its place. */
  kept: string
  /** Puts it back. */
  undo(): void
}

function flush(file: string): void {
  const handle = openSync(file, 'r+')
  fsyncSync(handle)
  closeSync(handle)
}

/** Whether the bytes of a file hold a word. */
function holds(file: string, word: string): boolean {
  const handle = openSync(file, 'r')
  const chunk = Buffer.alloc(1024 * 1024)
  try {
    // Each chunk begins with the end of the one before, so that no word is cut in two.
    for (let from = 0; ; from += chunk.byteLength - word.length) {
      const read = readSync(handle, chunk, 0, chunk.byteLength, from)
      if (chunk.subarray(0, read).includes(word)) return true
      if (read < chunk.byteLength) return false
    }
  } finally {
    closeSync(handle)
  }
}

/**
 * Cuts the log of a DuckDB file where DuckDB says that it cannot be read on. A power cut leaves such a log: its last
 * pieces were never flushed, so nobody was told of what is in them, but DuckDB takes them for damage and opens nothing.
 * Undefined where `problem` says something else, and where neither file names `marker`, a table of ours: others are left
 * as they are.
 */
export function cutTornLog(file: string, problem: string, marker: string): CutLog | undefined {
  const at = Number(tornAt.exec(problem)?.[1] ?? Number.NaN) - entryHeadBytes
  const [log, kept] = [`${file}.wal`, `${file}.wal.torn`]
  if (!(at >= 0) || !(holds(file, marker) || holds(log, marker))) return undefined
  copyFileSync(log, kept)
  flush(kept)
  syncFolder(dirname(file))
  const handle = openSync(log, 'r+')
  ftruncateSync(handle, at)
  fsyncSync(handle)
  closeSync(handle)
  return { at, kept, undo: () => renameSync(kept, log) }
}
