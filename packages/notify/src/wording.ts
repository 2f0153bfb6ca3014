import { type Severity, severities } from '@millrace/contracts'
import { type Notice, type NoticeItem, type NoticeKind, noticeKinds } from './types.ts'

const words: Record<NoticeKind, string> = {
  raised: 'raised',
  moved: 'corrected',
  reminder: 'still active',
  passed: 'raised and over',
  cleared: 'cleared',
  withdrawn: 'withdrawn',
}

const marks: Record<Severity, string> = { info: '🔵', warning: '🟠', critical: '🔴' }

const minute = 60_000
const hour = 60 * minute

/** Learned later than this after it happened, a notice says so. */
const lateMs = 10 * minute

export function severityMark(severity: Severity): string {
  return marks[severity]
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}

/** `2026-03-02 12:00 UTC` */
export function timeText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `45 s`, `5 min`, `3 h 20 min`, `2 d 4 h` */
export function spanText(ms: number): string {
  if (ms < minute) return `${Math.round(ms / 1_000)} s`
  if (ms < hour) return `${Math.round(ms / minute)} min`
  const hours = Math.floor(ms / hour)
  if (hours < 48) return `${hours} h ${Math.floor((ms % hour) / minute)} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `2 raised, 1 cleared` */
export function countsText({ counts }: Pick<Notice, 'counts'>): string {
  return noticeKinds
    .filter((kind) => (counts[kind] ?? 0) > 0)
    .map((kind) => `${counts[kind]} ${words[kind]}`)
    .join(', ')
}

/** Most urgent of what it lists. */
export function worstOf({ items }: Pick<Notice, 'items'>): Severity {
  return severities[items.reduce((rank, { alert }) => Math.max(rank, severities.indexOf(alert.severity)), 0)]!
}

/** One line that says what a notice is about. */
export function titleOf(notice: Notice): string {
  const [first] = notice.items
  const quiet = notice.afterQuiet ? 'After quiet hours: ' : ''
  if (!first) return `${quiet}${countsText(notice)}`
  const severity = `[${worstOf(notice)}] `
  if (notice.items.length > 1 || notice.unlisted > 0) return `${quiet}${severity}${countsText(notice)}`
  return `${quiet}${severity}${words[first.kind]}: ${oneLine(first.alert.message)}`
}

function whenText({ start, raised, end, learned, state }: NoticeItem['alert']): string {
  const late = learned - (end ?? raised) > lateMs ? `, learned ${timeText(learned)}` : ''
  if (state === 'withdrawn') return 'later data showed that it never was, or its rule was taken away'
  if (end === null) return `since ${timeText(start)}${late}`
  return `${timeText(start)} to ${timeText(end)}, ${spanText(end - start)}${late}`
}

/** One line about one alert: what, where, when it happened and, where that was later, when it was learned. */
export function itemText({ kind, alert }: NoticeItem): string {
  const { rule, site, device, metric, severity } = alert
  const place = [site, device, metric].filter((part) => part !== null).join('/')
  return `${words[kind]}: ${oneLine(alert.message)} (${severity}, ${rule} at ${place}; ${whenText(alert)})`
}

/** What a notice says of those it does not list; empty where it lists all. */
export function unlistedText({ unlisted }: Pick<Notice, 'unlisted'>): string {
  return unlisted > 0 ? `and ${unlisted} more, not listed` : ''
}
