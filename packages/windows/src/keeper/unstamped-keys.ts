import { ByteReader, ByteWriter } from '../bytes.ts'
import type { SavedUnstamped } from '../keeper-types.ts'
import { RangeSet } from '../range-set.ts'
import type { DeviceState } from './device-state.ts'

const bootsKept = 4
/** A device that numbers messages of other series in between makes a range per reading; the lowest are forgotten. */
const mostRanges = 4096

type ByBoot = Map<number, RangeSet>

/** Recognises unstamped readings by (series, boot, seq), whatever window their arrival puts them in. */
export class UnstampedKeys {
  private readonly bySeries = new Map<number, ByBoot>()
  private readonly seriesOfDevice = new Map<number, Set<number>>()
  private readonly touched = new Set<number>()
  private readonly saved = new Set<number>()

  /** False where this reading was there before. */
  isNew(device: DeviceState, series: number, { boot, seq }: { boot: number; seq: number }): boolean {
    this.noteBoot(device, boot)
    const ranges = this.rangesOf(device.id, series, boot)
    const isNew = ranges.add(seq)
    if (isNew) this.touched.add(series)
    if (ranges.rangeCount > mostRanges) ranges.dropLowest()
    return isNew
  }

  forget(device: DeviceState): void {
    for (const boot of device.boots.splice(0)) this.forgetBoot(device.id, boot)
  }

  takeChanges(): { unstamped: SavedUnstamped[]; deletedUnstamped: number[] } {
    const unstamped: SavedUnstamped[] = []
    const deletedUnstamped: number[] = []
    for (const series of this.touched) {
      const byBoot = this.bySeries.get(series)
      if (byBoot) unstamped.push({ series, bytes: encode(byBoot) })
      else if (this.saved.has(series)) deletedUnstamped.push(series)
      if (byBoot) this.saved.add(series)
      else this.saved.delete(series)
    }
    this.touched.clear()
    return { unstamped, deletedUnstamped }
  }

  restore(device: number, { series, bytes }: SavedUnstamped): void {
    this.bySeries.set(series, decode(bytes))
    this.seriesOf(device).add(series)
    this.saved.add(series)
  }

  private noteBoot(device: DeviceState, boot: number): void {
    if (device.boots.includes(boot)) return
    device.boots.push(boot)
    if (device.boots.length > bootsKept) this.forgetBoot(device.id, device.boots.shift()!)
  }

  private forgetBoot(device: number, boot: number): void {
    for (const series of this.seriesOf(device)) {
      const byBoot = this.bySeries.get(series)
      if (!byBoot?.delete(boot)) continue
      this.touched.add(series)
      if (byBoot.size > 0) continue
      this.bySeries.delete(series)
      this.seriesOf(device).delete(series)
    }
  }

  private rangesOf(device: number, series: number, boot: number): RangeSet {
    let byBoot = this.bySeries.get(series)
    if (!byBoot) {
      byBoot = new Map()
      this.bySeries.set(series, byBoot)
      this.seriesOf(device).add(series)
    }
    let ranges = byBoot.get(boot)
    if (!ranges) {
      ranges = new RangeSet()
      byBoot.set(boot, ranges)
    }
    return ranges
  }

  private seriesOf(device: number): Set<number> {
    const known = this.seriesOfDevice.get(device)
    if (known) return known
    const series = new Set<number>()
    this.seriesOfDevice.set(device, series)
    return series
  }
}

function encode(byBoot: ByBoot): Uint8Array {
  const out = new ByteWriter()
  out.reserve(8)
  out.varint(byBoot.size)
  for (const [boot, ranges] of [...byBoot].sort(([a], [b]) => a - b)) {
    out.reserve(8)
    out.varint(boot)
    ranges.write(out)
  }
  return out.take()
}

function decode(bytes: Uint8Array): ByBoot {
  const from = new ByteReader(bytes)
  const byBoot: ByBoot = new Map()
  const boots = from.count(from.left)
  for (let i = 0; i < boots; i += 1) {
    const boot = from.varint()
    byBoot.set(boot, RangeSet.read(from))
  }
  from.end()
  return byBoot
}
