import type { LiveBody, SeriesInfo, SeriesName } from '@millrace/contracts'

const key = ({ site, device, metric }: SeriesName) => `${site}/${device}/${metric}`

/** Every series seen, with its newest value, from rows and live readings alike. */
export class SeriesIndex {
  private readonly series = new Map<string, SeriesInfo>()

  observe(info: SeriesInfo): void {
    const known = this.series.get(key(info))
    if (known === undefined || info.lastTs >= known.lastTs) this.series.set(key(info), info)
  }

  observeLive({ site, columns }: LiveBody): void {
    const { device, metric, unit, ts, value } = columns
    for (let index = 0; index < ts.length; index++) {
      const info = { site, device: device[index]!, metric: metric[index]!, unit: unit[index]! }
      this.observe({ ...info, lastTs: ts[index]!, lastValue: value[index]! })
    }
  }

  unitOf(series: SeriesName): string | undefined {
    return this.series.get(key(series))?.unit
  }

  list(): SeriesInfo[] {
    const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
    return [...this.series.values()].sort((a, b) => compare(key(a), key(b)))
  }
}
