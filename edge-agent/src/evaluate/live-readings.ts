import { futureMs } from '@millrace/contracts'
import type { Engine, RuleReading } from '@millrace/rules'
import { type Keeper, type ReadingBatch, unstamped } from '@millrace/windows'
import type { Names } from '../names.ts'

/** Readings for the rules that want them. Where none does, a batch costs one comparison. */
export class LiveReadings {
  readonly #names: Names
  #wanted = new Uint8Array(0)
  #wantedCount = 0
  #asked = 0

  constructor(names: Names) {
    this.#names = names
  }

  /** Other rules may want other series. */
  forget(): void {
    this.#wanted.fill(0)
    this.#wantedCount = 0
    this.#asked = 0
  }

  /** Hands on what is wanted of a batch; true where anything was. Without a known time nothing is judged as live. */
  see(batch: ReadingBatch, engine: Engine, keeper: Keeper): boolean {
    if (this.#asked < this.#names.seriesCount) this.#ask(engine)
    if (this.#wantedCount === 0) return false
    const rows = this.#pick(batch, keeper)
    if (rows.length > 0) engine.readings(rows)
    return rows.length > 0
  }

  /** Ids of series are dense, so the new ones are those above the last asked. */
  #ask(engine: Engine): void {
    const names = this.#names
    if (names.seriesCount >= this.#wanted.length) this.#grow()
    while (this.#asked < names.seriesCount) {
      const series = ++this.#asked
      const device = names.deviceOf(series)
      const name = { site: names.siteOf(device), device: names.deviceName(device), metric: names.metricOf(series) }
      if (!engine.wantsReadings(name)) continue
      this.#wanted[series] = 1
      this.#wantedCount++
    }
  }

  #grow(): void {
    const wanted = new Uint8Array(2 * this.#names.seriesCount + 1_024)
    wanted.set(this.#wanted)
    this.#wanted = wanted
  }

  #pick({ readings, arrivedMonotonicMs }: ReadingBatch, keeper: Keeper): RuleReading[] {
    const { length, series, ts, value, flags } = readings
    const endMs = keeper.timeAt(arrivedMonotonicMs) + futureMs
    const rows: RuleReading[] = []
    for (let at = 0; at < length; at++) {
      if (this.#wanted[series[at]!] !== 1) continue
      const moment = flags[at]! & unstamped ? Math.round(keeper.timeAt(ts[at]!)) : ts[at]!
      // Also false where the time is not known: the keeper sets the same ones aside.
      if (moment <= endMs) rows.push(this.#row(series[at]!, moment, value[at]!))
    }
    return rows
  }

  #row(series: number, ts: number, value: number): RuleReading {
    const names = this.#names
    const device = names.deviceOf(series)
    return {
      ...{ site: names.siteOf(device), device: names.deviceName(device), metric: names.metricOf(series) },
      ...{ unit: names.unitOf(series), ts, value },
    }
  }
}
