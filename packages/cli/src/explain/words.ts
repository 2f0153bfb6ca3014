import type { ExplainedBoot, ExplainedLetter } from '@millrace/contracts'

/** Time of day where it is of the same day as `near`, else with its date; UTC. */
export function timeText(ms: number | null | undefined, near: number): string {
  if (ms === null || ms === undefined) return 'a time not known'
  const iso = new Date(ms).toISOString()
  const sameDay = iso.slice(0, 10) === new Date(near).toISOString().slice(0, 10)
  const clock = iso.slice(11, 23).replace(/\.000$/, '')
  return sameDay ? clock : `${iso.slice(0, 10)} ${clock}`
}

export function minuteText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

export function lengthText(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000}m` : `${ms / 1000}s`
}

export function plural(count: number, one: string): string {
  return `${count.toLocaleString('en-GB')} ${one}${count === 1 ? '' : 's'}`
}

const shownRanges = 6

/** `boot a1 seq 12..71, 73` */
export function bootText({ boot, ranges, unnumbered, moreRanges }: ExplainedBoot): string {
  const shown = ranges.slice(0, shownRanges).map(([from, to]) => (from === to ? `${from}` : `${from}..${to}`))
  const more = moreRanges + ranges.length - shown.length
  const numbers =
    shown.length > 0 ? `seq ${shown.join(', ')}${more > 0 ? ` and ${plural(more, 'range')} more` : ''}` : ''
  const without = unnumbered > 0 ? `${plural(unnumbered, 'reading')} without seq` : ''
  return [boot === null ? '' : `boot ${boot}`, [numbers, without].filter(Boolean).join(', ')].filter(Boolean).join(' ')
}

/** Parts of a sentence that say something. */
export function list(items: readonly (string | false | null | undefined)[]): string {
  return items.filter(Boolean).join(', ')
}

export function letterText({ reason, nth, atMs, source, readings, by }: ExplainedLetter, near: number): string {
  const from = source === '' ? '' : ` from ${printable(source)}`
  const how = by === 'arrival' ? ' (its own time is not known)' : ''
  return `${plural(readings, 'reading')} set aside as ${reason} at ${timeText(atMs, near)}${from}${how}: millrace dead-letters show ${reason} ${nth}`
}

/** Safe at a terminal: control characters and bidirectional marks are shown as escapes. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => {
    return `\\u{${char.codePointAt(0)!.toString(16)}}`
  })
}
