import { findMetric, type MetricKind } from '@millrace/contracts'

/** What is known of a metric beside its name. */
export interface Quantity {
  /** As shown to people; empty for none. */
  unit: string
  kind: MetricKind
}

/** Unit and kind of a metric nobody has said more about. */
export function catalogued(metric: string): Quantity {
  const { unit, kind } = findMetric(metric) ?? { unit: '', kind: 'gauge' as const }
  return { unit, kind }
}

/** What a decoder needs of the agent's dictionary. Ids are dense and never reused; 0 means that there is no room for another. */
export interface DecoderNames {
  /** Device 0 stands for input that names no usable device. */
  device(site: string, device: string): number
  series(device: number, metric: string): number
  boot(name: string): number
  /** Unit and kind of a series from now on, in place of the catalogue's; lasts over restarts. */
  declare(series: number, quantity: Quantity): void
  unitOf(series: number): string
}
