import type { MetricKind } from '@millrace/contracts'
import type { Directory } from '@millrace/windows'
import { catalogued, type Quantity } from './decode/index.ts'

export type NameKind = 'device' | 'series' | 'boot' | 'unit'

/**
 * A name as the spool keeps it. `parent` is the site of a device, the device id of a series, empty for a boot. A `unit`
 * has the id of its series, its metric's kind as parent, and replaces the one before.
 */
export interface NameRow {
  kind: NameKind
  id: number
  parent: string
  name: string
}

export interface NamesOptions {
  /** Site of the agent: input that names no usable device is counted there. */
  site: string
  /** Bounds series, devices and boots each. */
  maxSeries: number
}

/** Device 0: input that names no usable device. */
export const noDevice = 0
/** Returned by `series` when the limit is reached: set the reading aside as `too-many-series`. */
export const noSeries = 0
/** Boot 0: the message names none. */
export const noBoot = 0

/**
 * Dense ids of devices, series and boots. An id is persistent and never reused: the journal, open windows and sets
 * in the spool speak in ids, so a name must be in the same transaction as the first entry that uses it (`takeNew`).
 */
/** Which series somebody wants to see. */
export type SeriesWish = ((series: { site: string; device: string; metric: string }) => boolean) | 'none'

export class Names implements Directory {
  readonly #maxSeries: number
  readonly #devices = new Map<string, number>()
  readonly #boots = new Map<string, number>()
  readonly #seriesByDevice: Map<string, number>[] = [new Map()]
  readonly #siteNames: string[]
  readonly #deviceNames: string[] = ['-']
  readonly #metricNames: string[] = ['']
  readonly #seriesDevices: number[] = [noDevice]
  readonly #kinds: MetricKind[] = ['gauge']
  readonly #units: string[] = ['']
  readonly #bootNames: string[] = ['']
  #fresh: NameRow[] = []

  constructor({ site, maxSeries }: NamesOptions) {
    this.#maxSeries = maxSeries
    this.#siteNames = [site]
    this.#devices.set(`${site}/-`, noDevice)
  }

  /** Id of a device, made when new; `noDevice` when there is no room for another. */
  device(site: string, device: string): number {
    const known = this.#devices.get(`${site}/${device}`)
    if (known !== undefined) return known
    if (this.#deviceNames.length > this.#maxSeries) return noDevice
    const row: NameRow = { kind: 'device', id: this.#deviceNames.length, parent: site, name: device }
    return this.#make(row)
  }

  /** Id of a series, made when new; `noSeries` when there is no room for another. */
  series(device: number, metric: string): number {
    const known = this.#seriesByDevice[device]?.get(metric)
    if (known !== undefined) return known
    if (this.#metricNames.length > this.#maxSeries) return noSeries
    return this.#make({ kind: 'series', id: this.#metricNames.length, parent: String(device), name: metric })
  }

  /** Unit and kind of a series from now on, in place of the catalogue's. */
  declare(series: number, { unit, kind }: Quantity): void {
    if (this.#units[series] === unit && this.#kinds[series] === kind) return
    this.#make({ kind: 'unit', id: series, parent: kind, name: unit })
  }

  /** Id of a boot, made when new; `noBoot` when there is no room for another. */
  boot(name: string): number {
    const known = this.#boots.get(name)
    if (known !== undefined) return known
    if (this.#bootNames.length > this.#maxSeries) return noBoot
    return this.#make({ kind: 'boot', id: this.#bootNames.length, parent: '', name })
  }

  /** Names made since the last call. Where their write fails, `giveBack` puts them before any made since. */
  takeNew(): NameRow[] {
    const rows = this.#fresh
    this.#fresh = []
    return rows
  }

  giveBack(rows: readonly NameRow[]): void {
    this.#fresh = [...rows, ...this.#fresh]
  }

  /** Takes names in from the spool, in the order of their ids within each kind. */
  restore(rows: readonly NameRow[]): void {
    for (const row of rows) this.#add(row)
  }

  get deviceCount(): number {
    return this.#deviceNames.length
  }

  get seriesCount(): number {
    return this.#metricNames.length - 1
  }

  siteOf(device: number): string {
    return this.#siteNames[device] ?? ''
  }

  deviceName(device: number): string {
    return this.#deviceNames[device] ?? ''
  }

  deviceOf(series: number): number {
    return this.#seriesDevices[series] ?? noDevice
  }

  metricOf(series: number): string {
    return this.#metricNames[series] ?? ''
  }

  seriesName(series: number): { site: string; device: string; metric: string } {
    const device = this.deviceOf(series)
    return { site: this.siteOf(device), device: this.deviceName(device), metric: this.metricOf(series) }
  }

  /** Id of a series that is known, or undefined. */
  knownSeries(device: number, metric: string): number | undefined {
    return this.#seriesByDevice[device]?.get(metric)
  }

  kindOf(series: number): MetricKind {
    return this.#kinds[series] ?? 'gauge'
  }

  unitOf(series: number): string {
    return this.#units[series] ?? ''
  }

  bootName(boot: number): string {
    return this.#bootNames[boot] ?? ''
  }

  #make(row: NameRow): number {
    this.#add(row)
    this.#fresh.push(row)
    return row.id
  }

  #add({ kind, id, parent, name }: NameRow): void {
    if (kind === 'device') this.#addDevice(id, parent, name)
    else if (kind === 'series') this.#addSeries(id, Number(parent), name)
    else if (kind === 'unit') {
      this.#units[id] = name
      this.#kinds[id] = parent as MetricKind
    } else {
      this.#bootNames[id] = name
      this.#boots.set(name, id)
    }
  }

  #addDevice(id: number, site: string, name: string): void {
    this.#siteNames[id] = site
    this.#deviceNames[id] = name
    this.#seriesByDevice[id] = new Map()
    this.#devices.set(`${site}/${name}`, id)
  }

  #addSeries(id: number, device: number, metric: string): void {
    this.#metricNames[id] = metric
    this.#seriesDevices[id] = device
    const { unit, kind } = catalogued(metric)
    this.#units[id] = unit
    this.#kinds[id] = kind
    this.#seriesByDevice[device]?.set(metric, id)
  }
}
