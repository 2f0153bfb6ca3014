const minuteMs = 60_000
/** Before that the start itself, and a past that is published with it, is most of what there was. */
const settledMs = minuteMs
const spanMs = 60 * minuteMs

/** How fast a total grows, over the last hour; the start is left out. */
export class Pace {
  readonly #marks: { atMs: number; total: number }[] = []

  /** Per ms up to now; null until it is known. Times are since the start. */
  take(atMs: number, total: number): number | null {
    if (atMs < settledMs) return null
    const marks = this.#marks
    const newest = marks.at(-1)
    if (!newest || atMs - newest.atMs >= minuteMs) marks.push({ atMs, total })
    while (marks.length > 1 && marks[1]!.atMs <= atMs - spanMs) marks.shift()
    const oldest = marks[0]!
    return atMs - oldest.atMs < minuteMs ? null : (total - oldest.total) / (atMs - oldest.atMs)
  }
}
