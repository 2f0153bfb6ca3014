import { findMetric, type MetricKind } from '@millrace/contracts'
import type { Directory } from '@millrace/windows'

interface DeviceName {
  site: string
  device: string
}

interface NamedSeries {
  device: number
  metric: string
  unit: string
  kind: MetricKind
}

/** Ids for the windows, and what they stand for. Id 0 is no device, no series and no boot. */
export class PastNames implements Directory {
  readonly #ids = new Map<string, number>()
  readonly #devices: DeviceName[] = [{ site: '-', device: '-' }]
  readonly #series: NamedSeries[] = [{ device: 0, metric: '-', unit: '', kind: 'gauge' }]
  readonly #boots: string[] = ['']

  device(site: string, device: string): number {
    return this.#id(`device/${site}/${device}`, this.#devices, () => ({ site, device }))
  }

  series(device: number, metric: string): number {
    const { unit = '', kind = 'gauge' } = findMetric(metric) ?? {}
    return this.#id(`series/${device}/${metric}`, this.#series, () => ({ device, metric, unit, kind }))
  }

  boot(name: string | undefined): number {
    return name === undefined ? 0 : this.#id(`boot/${name}`, this.#boots, () => name)
  }

  deviceOf(series: number): number {
    return this.#series[series]!.device
  }

  kindOf(series: number): MetricKind {
    return this.#series[series]!.kind
  }

  bootName(boot: number): string {
    return this.#boots[boot]!
  }

  deviceName(device: number): DeviceName {
    return this.#devices[device]!
  }

  seriesName(series: number): DeviceName & { metric: string; unit: string } {
    const { device, metric, unit } = this.#series[series]!
    return { ...this.deviceName(device), metric, unit }
  }

  allDevices(): Uint32Array {
    return Uint32Array.from(this.#devices.keys()).subarray(1)
  }

  #id<Name>(key: string, names: Name[], make: () => Name): number {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    this.#ids.set(key, names.length)
    return names.push(make()) - 1
  }
}
