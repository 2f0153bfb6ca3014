import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface Bounds {
  withinMs: number
  maxBytes: number
}

/** Bytes of a folder and all it holds; what vanishes meanwhile counts nothing. */
export function bytesOf(folder: string): number {
  let bytes = 0
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
    }
  } catch {
    return bytes
  }
  return bytes
}

const lookEveryMs = 2_000

/** A signal that is aborted when a run takes too long or too much disk, with the reason. */
export function bound(folder: string, { withinMs, maxBytes }: Bounds): { signal: AbortSignal; release(): void } {
  const ending = new AbortController()
  const deadline = setTimeout(() => {
    ending.abort(new Error(`the fault run is not over after ${withinMs / 1000} s`))
  }, withinMs)
  const looking = setInterval(() => {
    const bytes = bytesOf(folder)
    if (bytes > maxBytes) ending.abort(new Error(`the fault run has taken ${bytes} bytes of disk`))
  }, lookEveryMs)
  return {
    signal: ending.signal,
    release() {
      clearTimeout(deadline)
      clearInterval(looking)
    },
  }
}
