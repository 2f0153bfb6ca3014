import { metricOf } from './units.ts'

export interface NameParts {
  /** The base name in force; empty for none. */
  base: string
  /** The record's own name; empty for none. */
  own: string
  unit: string
}

const separatorsBefore = /^[-:./_]+/
const separatorsBehind = /[-:./_]+$/

/**
 * Device and metric of a record. Base name and name are device and metric; where only one of them is given, what lies
 * behind its last slash, or its last colon where it is no URN, is the metric; else the unit tells what is measured.
 */
export function splitName({ base, own, unit }: NameParts): { device: string; metric: string } {
  const device = base.replace(separatorsBehind, '')
  const metric = own.replace(separatorsBefore, '')
  if (device !== '' && metric !== '') return { device, metric }
  const name = device || metric
  const at = Math.max(name.lastIndexOf('/'), name.startsWith('urn:') ? -1 : name.lastIndexOf(':'))
  if (at <= 0) return { device: name, metric: metricOf(unit) }
  return { device: name.slice(0, at), metric: name.slice(at + 1) }
}
