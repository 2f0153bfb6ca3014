import { futureMs, type LiveBody } from '@millrace/contracts'
import { type JournalEntry, type ReadingColumns, unstamped } from '@millrace/windows'
import type { Names, SeriesWish } from './names.ts'

/** Readings per body: keeps it well under the limit. */
const maxReadings = 1_000

/** The newest reading of each series since the last call of `take`: what a page shows moving. */
export class Live {
  readonly #names: Names
  readonly #changed = new Set<number>()
  #ts = new Float64Array(1_024).fill(Number.NEGATIVE_INFINITY)
  #value = new Float64Array(1_024)

  constructor(names: Names) {
    this.#names = names
  }

  /** `timeAt` turns a monotonic moment into epoch ms; NaN while the agent does not know the time. */
  see(entry: JournalEntry, timeAt: (monotonicMs: number) => number): void {
    if (entry.kind !== 'data') return
    const endMs = timeAt(entry.batch.arrivedMonotonicMs) + futureMs
    const { readings } = entry.batch
    for (let at = 0; at < readings.length; at++) this.#seeOne(readings, at, { endMs, timeAt })
  }

  /** Bodies by site, each reading once; of the series that are wanted. */
  take(agent: string, wants?: SeriesWish): { site: string; body: Uint8Array }[] {
    const changed = wants === undefined ? this.#changed : [...this.#changed].filter((series) => this.#is(series, wants))
    const bySite = Map.groupBy(changed, (series) => this.#names.siteOf(this.#names.deviceOf(series)))
    this.#changed.clear()
    return [...bySite].flatMap(([site, series]) => {
      const bodies: { site: string; body: Uint8Array }[] = []
      for (let at = 0; at < series.length; at += maxReadings) {
        const body: LiveBody = { v: 1, agent, site, columns: this.#columns(series.slice(at, at + maxReadings)) }
        bodies.push({ site, body: Buffer.from(JSON.stringify(body)) })
      }
      return bodies
    })
  }

  #is(series: number, wants: SeriesWish): boolean {
    return wants !== 'none' && wants(this.#names.seriesName(series))
  }

  #seeOne(
    { series, ts, value, flags }: ReadingColumns,
    at: number,
    time: { endMs: number; timeAt: (monotonicMs: number) => number },
  ): void {
    const id = series[at]!
    const moment = flags[at]! & unstamped ? time.timeAt(ts[at]!) : ts[at]!
    if (id >= this.#ts.length) this.#grow(id)
    if (!(moment <= time.endMs) || moment < this.#ts[id]!) return
    this.#ts[id] = moment
    this.#value[id] = value[at]!
    this.#changed.add(id)
  }

  #grow(id: number): void {
    const length = 2 ** Math.ceil(Math.log2(id + 2))
    const ts = new Float64Array(length).fill(Number.NEGATIVE_INFINITY)
    const value = new Float64Array(length)
    ts.set(this.#ts)
    value.set(this.#value)
    this.#ts = ts
    this.#value = value
  }

  #columns(series: readonly number[]): LiveBody['columns'] {
    const names = this.#names
    return {
      device: series.map((id) => names.deviceName(names.deviceOf(id))),
      metric: series.map((id) => names.metricOf(id)),
      unit: series.map((id) => names.unitOf(id)),
      ts: series.map((id) => Math.round(this.#ts[id]!)),
      value: series.map((id) => this.#value[id]!),
    }
  }
}
