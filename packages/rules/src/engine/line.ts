/** Consecutive windows that were judged, `[from, to)`, by rules of one epoch or older ones that still hold. */
export interface Run {
  from: number
  to: number
  epoch: number
}

/** Windows divide an hour, so none of them reaches over a floor. */
const floorStepMs = 3_600_000

/** Windows that start before this are too old to be judged. */
export function floorOf(newest: number, horizonMs: number): number {
  return Math.floor((newest - horizonMs) / floorStepMs) * floorStepMs
}

export type Arrival = 'new' | 'amended' | 'known'

/**
 * Which windows of a subject were judged, and at which revision. What a line covers is good, unless a timeline of that
 * line says otherwise: so a healthy series costs one number that grows, however many rules judge it.
 */
export class Line {
  readonly id: number
  /** The end of the newest is in `#to`, which grows with every window. */
  #runs: Run[] = []
  /** Of the newest run. */
  #to = Number.NaN
  #epoch = -1
  /** Grows whenever something before the end of the newest window changed; what is forgotten is no change. */
  edits = 0
  /** Revisions above 0, by start. */
  revs: Map<number, number> | undefined

  constructor(id: number) {
    this.id = id
  }

  /** In order, without overlap; never empty once something arrived. */
  get runs(): readonly Run[] {
    const last = this.#runs[this.#runs.length - 1]
    if (last !== undefined) last.to = this.#to
    return this.#runs
  }

  /** End of the newest window; NaN before the first. */
  get newest(): number {
    return this.#to
  }

  floor(horizonMs: number): number {
    return floorOf(this.#to, horizonMs)
  }

  /** The common case: the window after the newest, at its first revision. */
  extend(start: number, end: number, epoch: number): boolean {
    if (start !== this.#to || this.#epoch !== epoch) return false
    this.#to = end
    return true
  }

  /** Whether the window is to be judged: it is not too old, nor known at this revision or a higher one. */
  take(window: { start: number; lengthMs: number; rev: number }, epoch: number, horizonMs: number): boolean {
    const { start, lengthMs, rev } = window
    if (rev === 0 && this.extend(start, start + lengthMs, epoch)) return true
    return !(start < this.floor(horizonMs)) && this.arrive(window, epoch) !== 'known'
  }

  /** Takes a window of any order, unless it is known at this revision or a higher one. */
  arrive(window: { start: number; lengthMs: number; rev: number }, epoch: number): Arrival {
    const { start, lengthMs, rev } = window
    const known = this.covers(start)
    if (known && rev <= (this.revs?.get(start) ?? 0)) return 'known'
    if (rev > 0) {
      this.revs ??= new Map()
      this.revs.set(start, rev)
    }
    this.cover(start, start + lengthMs, epoch)
    return known ? 'amended' : 'new'
  }

  covers(start: number): boolean {
    const run = this.runs.findLast(({ from }) => from <= start)
    return run !== undefined && start < run.to
  }

  cover(from: number, to: number, epoch: number): void {
    if (this.extend(from, to, epoch)) return
    if (from >= this.#to) {
      this.set([...this.runs, { from, to, epoch }])
      return
    }
    if (this.runs.some((run) => run.from <= from && to <= run.to && run.epoch === epoch)) return
    this.edits++
    const kept = this.runs.flatMap((run) => cut(run, from, to))
    kept.push({ from, to, epoch })
    kept.sort((a, b) => a.from - b.from)
    this.set(joined(kept))
  }

  /** Whether anything went. */
  dropBefore(floor: number): boolean {
    const revs = [...(this.revs?.keys() ?? [])].filter((start) => start < floor)
    for (const start of revs) this.revs!.delete(start)
    if (this.revs?.size === 0) this.revs = undefined
    const cut = this.runs.length > 0 && this.runs[0]!.from < floor
    if (cut)
      this.set(this.runs.filter(({ to }) => to > floor).map((run) => ({ ...run, from: Math.max(run.from, floor) })))
    return cut || revs.length > 0
  }

  set(runs: Run[]): void {
    const last = runs.at(-1)
    this.#runs = runs
    this.#to = last?.to ?? Number.NaN
    this.#epoch = last?.epoch ?? -1
  }
}

function cut(run: Run, from: number, to: number): Run[] {
  if (run.to <= from || run.from >= to) return [run]
  const left = { ...run, to: from }
  const right = { ...run, from: to }
  return [left, right].filter((one) => one.from < one.to)
}

function joined(runs: readonly Run[]): Run[] {
  const all: Run[] = []
  for (const run of runs) {
    const before = all.at(-1)
    if (before && before.to === run.from && before.epoch === run.epoch) before.to = run.to
    else all.push({ ...run })
  }
  return all
}
