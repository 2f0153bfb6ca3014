import { closeSync, ftruncateSync, openSync, statfsSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Disk space kept occupied, so that there is some to give up when the disk is full: even deleting needs room. */
export interface HeldRoom {
  /** Gives the space up; false when there was none left to give. */
  release(): boolean
  /** Occupies it again once the disk has twice as much free. */
  refill(): void
  freeBytes(): number
  /** What it takes to be whole again; 0 while it is. */
  missingBytes(): number
}

const chunkBytes = 1024 * 1024

function occupy(file: string, bytes: number): void {
  const handle = openSync(file, 'a')
  try {
    // Written, not only sized: a sparse file would hold nothing.
    const chunk = new Uint8Array(chunkBytes)
    for (let size = statSync(file).size; size < bytes; ) {
      size += writeSync(handle, chunk, 0, Math.min(chunkBytes, bytes - size))
    }
  } catch {
    ftruncateSync(handle, 0)
  } finally {
    closeSync(handle)
  }
}

export function holdRoom(folder: string, bytes: number): HeldRoom {
  const file = join(folder, 'spool.reserve')
  const heldBytes = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0
  const freeBytes = () => {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  }
  let held = heldBytes()
  return {
    freeBytes,
    missingBytes: () => Math.max(0, bytes - held),
    release() {
      if (held === 0) return false
      closeSync(openSync(file, 'w'))
      held = 0
      return true
    },
    refill() {
      if (held >= bytes || freeBytes() < 2 * bytes) return
      occupy(file, bytes)
      held = heldBytes()
    },
  }
}
