import type { SetAside, SetAsideReading } from '@millrace/windows'
import type { SetAsideInput } from '../checkpoint.ts'
import type { Names } from '../names.ts'
import type { Closed } from './close.ts'

/** Readings shown in the body of one dead letter; the count is of all. */
const shownReadings = 50

type Shown = Pick<SetAsideReading, 'series' | 'ts' | 'seq' | 'boot' | 'value'>

function bodyOf(names: Names, readings: readonly Shown[]): Uint8Array {
  const shown = readings.slice(0, shownReadings).map(({ series, ts, seq, boot, value }) => ({
    metric: names.metricOf(series),
    ts,
    ...(Number.isNaN(seq) ? {} : { seq }),
    ...(boot === 0 ? {} : { boot: names.bootName(boot) }),
    value,
  }))
  return Buffer.from(JSON.stringify(shown))
}

/** The dead letter of readings of one device that were decoded and then refused; `readings` are shown, `count` is of all. */
export function setAsideInput(
  names: Names,
  { device, reason, count, readings }: { device: number; reason: string; count: number; readings: readonly Shown[] },
  atMs: number,
): SetAsideInput {
  return {
    ...{ atMs, reason, count, source: '' },
    site: names.siteOf(device),
    device: names.deviceName(device),
    body: bodyOf(names, readings),
  }
}

/** One for each device and reason. */
export function setAsideInputs(names: Names, { counts, readings }: SetAside, atMs: number): SetAsideInput[] {
  return counts.map(({ device, reason, count }) => {
    const shown = readings.filter((reading) => reading.device === device && reading.reason === reason)
    return setAsideInput(names, { device, reason, count, readings: shown }, atMs)
  })
}

/** The same for readings that did not fit into a stored set. */
export function overRateInputs(names: Names, overRate: Closed['overRate'], atMs: number): SetAsideInput[] {
  return overRate.map(({ series, rows }) => {
    const device = names.deviceOf(series)
    const shown = Array.from({ length: Math.min(rows.length, shownReadings) }, (_, index) => ({
      series,
      ts: rows.ts[index]!,
      seq: rows.seq[index]!,
      boot: rows.boot[index]!,
      value: rows.value[index]!,
    }))
    return {
      ...{ atMs, reason: 'over-rate', count: rows.length, source: '' },
      site: names.siteOf(device),
      device: names.deviceName(device),
      body: bodyOf(names, shown),
    }
  })
}
