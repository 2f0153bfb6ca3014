import type { Failure } from './failure.ts'
import type { SpoolUsage, SqlValue, Statement } from './types.ts'

/** Requests are answered in the order in which they were sent, so neither side numbers them. */
export type Request =
  | { kind: 'write'; statements: readonly Statement[]; reserve: boolean }
  | { kind: 'read'; sql: string; params: readonly SqlValue[] }
  | { kind: 'usage' }
  | { kind: 'close' }

export interface Opened {
  name: string
  epoch: string
  movedAside: { reason: string; to: string } | null
}

export type Answer = undefined | SqlValue[][] | SpoolUsage | Opened

export type Reply = { failure: Failure } | { answer: Answer }

/** Handing over a small buffer costs more than copying it. */
const minTransferBytes = 16 * 1024

function wholeMemory(value: SqlValue): ArrayBuffer | undefined {
  if (!(value instanceof Uint8Array) || value.byteLength < minTransferBytes) return undefined
  const { buffer } = value
  return buffer instanceof ArrayBuffer && buffer.byteLength === value.byteLength ? buffer : undefined
}

/** Large buffers of rows that may change hands instead of being copied: those that fill their memory whole. */
export function transferable(rows: readonly (readonly SqlValue[])[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const row of rows) {
    for (const value of row) {
      const memory = wholeMemory(value)
      if (memory) buffers.add(memory)
    }
  }
  return [...buffers]
}
