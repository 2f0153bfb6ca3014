import type { SetAside, SetAsideOnApply, SetAsideReading } from '../keeper-types.ts'

const keptAtEachEnd = 50

interface Kept {
  first: SetAsideReading[]
  /** A ring of the newest; `next` is where the next goes. */
  newest: SetAsideReading[]
  next: number
}

/** Counts every reading set aside, keeps the first and the newest of each reason. */
export class SetAsideLog {
  private counts = new Map<string, { device: number; reason: SetAsideOnApply; count: number }>()
  private kept = new Map<SetAsideOnApply, Kept>()

  add(reading: SetAsideReading): void {
    const { device, reason } = reading
    const key = `${device} ${reason}`
    const known = this.counts.get(key)
    if (known) known.count += 1
    else this.counts.set(key, { device, reason, count: 1 })
    this.keep(reading)
  }

  take(): SetAside {
    const readings = [...this.kept.values()].flatMap(({ first, newest, next }) => [
      ...first,
      ...newest.slice(next),
      ...newest.slice(0, next),
    ])
    const counts = [...this.counts.values()]
    this.counts = new Map()
    this.kept = new Map()
    return { counts, readings }
  }

  private keep(reading: SetAsideReading): void {
    let kept = this.kept.get(reading.reason)
    if (!kept) {
      kept = { first: [], newest: [], next: 0 }
      this.kept.set(reading.reason, kept)
    }
    if (kept.first.length < keptAtEachEnd) kept.first.push(reading)
    else {
      kept.newest[kept.next] = reading
      kept.next = (kept.next + 1) % keptAtEachEnd
    }
  }
}
