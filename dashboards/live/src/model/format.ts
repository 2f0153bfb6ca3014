import { findMetric } from '@millrace/contracts'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

export function formatCount(count: number): string {
  return whole.format(count)
}

function significant(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(3)
  const decimals = size >= 1000 ? 1 : size >= 1 ? 2 : 4
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: decimals }).format(value)
}

const byDecimals = new Map<number, Intl.NumberFormat>()

function withDecimals(value: number, decimals: number): string {
  let format = byDecimals.get(decimals)
  if (!format) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    byDecimals.set(decimals, format)
  }
  return format.format(value)
}

/** A value of a metric with as many decimals as its sensor gives, none from a million on; unknown metrics get about four digits. */
export function formatValue(metric: string, value: number): string {
  if (!Number.isFinite(value)) return '–'
  const known = findMetric(metric)
  if (!known || Math.abs(value) >= 1e9) return significant(value)
  return withDecimals(value, Math.abs(value) >= 1e6 ? 0 : known.decimals)
}

/** A number at the value axis; never "-0". */
export function formatTick(value: number): string {
  return significant(value === 0 ? 0 : value)
}

/** Outside the plausible range of the catalogue: kept and counted, but marked. */
export function isImplausible(metric: string, value: number): boolean {
  const known = findMetric(metric)
  return known !== undefined && (value < known.min || value > known.max)
}

const ages = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
]

/** "now", "12 s ago", "3 min ago", and "in 2 min" for times ahead of the clock. */
export function formatAge(ageMs: number): string {
  if (ageMs < -60_000) return `in ${formatSpan(-ageMs)}`
  if (ageMs < 2_000) return 'now'
  return `${formatSpan(ageMs)} ago`
}

/** The largest whole unit: "12 s", "3 min", "6 h", "2 d". */
export function formatSpan(ms: number): string {
  const fits = ages.find((age) => ms >= age.ms)
  return fits ? `${Math.floor(ms / fits.ms)} ${fits.unit}` : `${Math.floor(ms / 1000)} s`
}

/** A share as a percentage that is 100 % only when nothing is missing. */
export function formatShare(part: number, total: number): string {
  if (total <= 0) return '–'
  if (part >= total) return '100 %'
  return `${(Math.min(part / total, 0.9999) * 100).toFixed(2)} %`
}

const pad = (value: number, width = 2) => String(value).padStart(width, '0')

/** Local date and time of the viewer, to the second: "2026-11-20 14:03:07". */
export function formatLocal(ms: number): string {
  const at = new Date(ms)
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${formatLocalTime(ms)}`
}

export function formatLocalTime(ms: number): string {
  const at = new Date(ms)
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`
}

export function formatUtc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** "512 B", "3.4 MiB": three digits at most. */
export function formatBytes(bytes: number): string {
  const power = Math.min(byteUnits.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  const value = bytes / 1024 ** power
  return `${value.toFixed(power > 0 && value < 10 ? 1 : 0)} ${byteUnits[power]}`
}

/** "0.4", "38", "12,345": what a rate needs. */
export function formatRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : formatCount(perSecond)
}

/** "2 ms", "1.4 s", "3 min". */
export function formatDelay(ms: number): string {
  if (ms < 1_000) return `${Math.round(Math.max(0, ms))} ms`
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : formatSpan(ms)
}

/** "0 %", "< 0.1 %", "2.3 %": a share that is zero only when nothing is there. */
export function formatPercent(part: number, total: number): string {
  if (part <= 0 || total <= 0) return '0 %'
  const percent = (part / total) * 100
  if (percent < 0.1) return '< 0.1 %'
  return `${percent >= 99.95 && part < total ? '99.9' : percent.toFixed(percent >= 99.95 ? 0 : 1)} %`
}

/** Length of a window: "1 min", "1 h", "15 s". */
export function formatLength(ms: number): string {
  return formatSpan(ms)
}
