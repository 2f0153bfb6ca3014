import type { ClosedCompleteness, CompletenessClosing, CompletenessRow, StoredCompleteness } from './keeper-types.ts'
import { type BootMessages, decodeMessages, encodeMessages, inTime, messagesOf } from './message-sets.ts'

/**
 * Unites a closing with the window's stored messages, if it has some. Nothing is new where it held repeats alone.
 * Throws RangeError on stored bytes that are none.
 */
export function closeCompleteness(
  closing: CompletenessClosing,
  stored: StoredCompleteness | undefined,
): ClosedCompleteness {
  const boots = stored ? decodeMessages(stored.bytes) : []
  for (const messages of decodeMessages(closing.bytes)) unite(messagesOf(boots, messages.boot), messages)
  for (const messages of boots) removeRepeats(messages)
  const bytes = encodeMessages(boots)
  if (stored && equalBytes(bytes, stored.bytes)) return { set: stored, rows: undefined }
  const rows = boots.toSorted((a, b) => a.boot - b.boot).map(rowOf)
  return { set: { bytes, rev: stored ? stored.rev + 1 : 0 }, rows }
}

function unite(into: BootMessages, messages: BootMessages): void {
  into.seqs.union(messages.seqs)
  into.unnumbered += messages.unnumbered
  for (const time of messages.times) into.times.push(time)
  for (const number of messages.numbers) into.numbers.push(number)
}

/** Without a boot, the same number at the same time is the same message, sent again. */
function removeRepeats(messages: BootMessages): void {
  const { times, numbers } = messages
  const places = inTime(messages)
  const same = (a: number, b: number) => times[a] === times[b] && numbers[a] === numbers[b]
  const kept = places.filter((place, i) => i === 0 || !same(place, places[i - 1]!))
  messages.times = Array.from(kept, (place) => times[place]!)
  messages.numbers = Array.from(kept, (place) => numbers[place]!)
}

function rowOf({ boot, seqs, unnumbered, numbers }: BootMessages): CompletenessRow {
  const messages = seqs.count + numbers.length + unnumbered
  if (boot !== 0) return { boot, firstSeq: seqs.first ?? null, lastSeq: seqs.last ?? null, messages }
  const fell = numbers.some((number, i) => i > 0 && number <= numbers[i - 1]!)
  const known = numbers.length > 0 && !fell
  return { boot, firstSeq: known ? numbers[0]! : null, lastSeq: known ? numbers.at(-1)! : null, messages }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
