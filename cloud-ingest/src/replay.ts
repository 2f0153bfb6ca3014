import type { KeptLetter, Replayed } from '@millrace/spool'
import { decodeMessage } from './decode/index.ts'
import type { BodyHead, Spooled } from './received.ts'

const refused = (message: string): Replayed => ({ replayed: false, message })

/** Letters that replaying must not get round, or that are no messages of agents. */
const never: Record<string, string> = {
  conflict: 'its number came with other bytes, and those count: taking it too would count readings twice',
  identity: 'it came from one that may not speak for its agent',
  'direct-device': 'it came from a device, not from an agent: see docs/iot-hub-direct.md',
  'beyond-retention': 'it is a row that a store refused; its part stays in the spool',
  'refused-by-store': 'it is a row that a store refused; its part stays in the spool',
  'late-part': 'it is a row that a store refused, as the stored one holds readings of others',
}

export interface ReplayContext {
  /** True once it is on disk. */
  offer(message: Spooled): Promise<boolean>
  /** Whether a message of this number was received. */
  knows(head: BodyHead): boolean
  /** Parts that were received before it leave the spool, epoch ms. */
  keptFromMs: number
}

const forgotten =
  'what came with it has left the spool: nobody could tell whether its rows are newer than the stored ones'

/**
 * Takes a dead letter as if it arrived now. Its number is mostly known, as letters are receipted too: rows that are
 * there stay, rows that were refused or are missing are taken. Left as it is where it would be set aside again.
 */
export async function replayLetter(letter: KeptLetter, { offer, knows, keptFromMs }: ReplayContext): Promise<Replayed> {
  const { reason, nth, atMs, source, body } = letter
  if (never[reason] !== undefined) return refused(never[reason])
  const decoded = decodeMessage({ topic: source, body })
  if (decoded.kind !== 'spooled') return refused('its topic is none of an agent that awaits a receipt')
  const { spooled } = decoded
  if (spooled.head === undefined) return refused('its cause is not mended: nobody can tell whose message it is')
  const again = spooled.setAside.find((one) => one.reason === reason)
  if (again) return refused(`its cause is not mended: ${again.reason}`)
  if (atMs < keptFromMs && knows(spooled.head)) return refused(forgotten)
  const kept = await offer({ ...spooled, letter: { reason, nth } })
  if (!kept) return refused('the spool could not take it: it is full, or the ingest is stopping')
  const readings = spooled.parts.reduce((sum, { count }) => sum + count, 0)
  return {
    replayed: true,
    message: `message ${spooled.head.seq}: ${readings} readings in ${spooled.parts.length} rows accepted anew`,
  }
}
