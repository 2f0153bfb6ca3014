import type { Mark } from '@millrace/contracts'

/** The page keeps no more than the ingest does. */
const most = 1_000

const endOf = ({ to }: Mark) => to ?? Number.POSITIVE_INFINITY
const byStart = (a: Mark, b: Mark) => a.from - b.from || (a.id < b.id ? -1 : 1)

/** What happened beside the readings; nothing here draws. */
export class MarkBook {
  private readonly byId = new Map<string, Mark>()
  private sorted: readonly Mark[] = []

  /** Marks as they are now; one with a known id replaces it. */
  take(marks: readonly Mark[]): void {
    for (const mark of marks) this.byId.set(mark.id, mark)
    const all = [...this.byId.values()].sort(byStart)
    for (const { id } of all.splice(0, Math.max(0, all.length - most))) this.byId.delete(id)
    this.sorted = all
  }

  /** Those that touch the span, oldest first. */
  within({ from, to }: { from: number; to: number }): Mark[] {
    return this.sorted.filter((mark) => mark.from <= to && endOf(mark) >= from)
  }

  /** The newest stretch of a kind that goes on at this moment. */
  running(kind: string, now: number): Mark | undefined {
    return this.sorted.findLast((mark) => mark.kind === kind && mark.from <= now && endOf(mark) > now)
  }
}
