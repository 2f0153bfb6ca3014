import type { LiveBody } from '@millrace/contracts'
import type { Engine, RuleReading } from '@millrace/rules'

/** More than this wait for nobody: live readings are best effort. */
const maxWaiting = 50_000

/** Live readings that some rule wants, until the rules ask. */
export class LiveReadings {
  private readonly engine: Pick<Engine, 'wantsReadings'>
  private readonly wanted = new Map<string, boolean>()
  private waiting: RuleReading[] = []

  constructor(engine: Pick<Engine, 'wantsReadings'>) {
    this.engine = engine
  }

  /** Other rules may want others. */
  forget(): void {
    this.wanted.clear()
  }

  push({ site, columns: { device, metric, unit, ts, value } }: LiveBody): void {
    for (let index = 0; index < ts.length && this.waiting.length < maxWaiting; index++) {
      const series = { site, device: device[index]!, metric: metric[index]! }
      if (this.wants(series)) this.waiting.push({ ...series, unit: unit[index]!, ts: ts[index]!, value: value[index]! })
    }
  }

  take(): RuleReading[] {
    const waiting = this.waiting
    this.waiting = []
    return waiting
  }

  private wants(series: { site: string; device: string; metric: string }): boolean {
    const key = `${series.site}/${series.device}/${series.metric}`
    const known = this.wanted.get(key) ?? this.engine.wantsReadings(series)
    this.wanted.set(key, known)
    return known
  }
}
