import type { Clock, LogFields, Logger } from '@millrace/pipeline'

const quietMs = 30_000
const maxTexts = 1_000

interface Told {
  atMs: number
  unsaid: number
}

/** Warns of the same thing once in half a minute, with how often it was left unsaid: refused devices try again for ever. */
export function sparingWarnings(log: Logger, clock: Clock): (fields: LogFields, message: string) => void {
  const told = new Map<string, Told>()
  return (fields, message) => {
    const now = clock.monotonic()
    const before = told.get(message)
    if (before && now - before.atMs < quietMs) {
      before.unsaid += 1
      return
    }
    if (told.size >= maxTexts) told.clear()
    told.set(message, { atMs: now, unsaid: 0 })
    const unsaid = before?.unsaid ? { unsaid: before.unsaid } : {}
    log.warn({ ...fields, ...unsaid }, message)
  }
}
