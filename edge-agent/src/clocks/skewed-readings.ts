import type { InvalidCount, ReadingBatch, ReadingColumns, SetAsideReading } from '@millrace/windows'

/** Why readings of a clock that is off are set aside. */
export const skewedClock = 'skewed-clock'

/** Readings of one device that its site does not want while its clock is off. */
export interface SetAsideOfClock {
  device: number
  count: number
  /** The first of them. */
  readings: Pick<SetAsideReading, 'series' | 'ts' | 'seq' | 'boot' | 'value'>[]
}

const shownReadings = 50

export function addSetAside(
  found: Map<number, SetAsideOfClock>,
  device: number,
  { readings, at }: { readings: ReadingColumns; at: number },
): void {
  const known = found.get(device) ?? { device, count: 0, readings: [] }
  found.set(device, known)
  known.count++
  if (known.readings.length >= shownReadings) return
  const { series, ts, seq, boot, value } = readings
  known.readings.push({ series: series[at]!, ts: ts[at]!, seq: seq[at]!, boot: boot[at]!, value: value[at]! })
}

/** Moves a reading to a place before it, over one that has left. */
export function moveReading({ series, ts, seq, boot, value, flags }: ReadingColumns, from: number, to: number): void {
  if (from === to) return
  series[to] = series[from]!
  ts[to] = ts[from]!
  seq[to] = seq[from]!
  boot[to] = boot[from]!
  value[to] = value[from]!
  flags[to] = flags[from]!
}

/** The batch with these counted as invalid, no longer as taken. */
export function without(batch: ReadingBatch, found: ReadonlyMap<number, SetAsideOfClock>): ReadingBatch {
  if (found.size === 0) return batch
  const left = ({ device, count }: { device: number; count: number }) => {
    return { device, count: count - (found.get(device)?.count ?? 0) }
  }
  const counts = [...found.values()].map(({ device, count }): InvalidCount => ({ device, reason: skewedClock, count }))
  const taken = batch.taken ? { taken: batch.taken.map(left) } : {}
  return { ...batch, ...taken, invalid: [...batch.invalid, ...counts] }
}
