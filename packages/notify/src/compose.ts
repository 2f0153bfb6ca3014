import { type Alert, type Severity, severities } from '@millrace/contracts'
import { concerns, type Entry, kindOf, type Track } from './entry.ts'
import type { Silences } from './matching.ts'
import type { Policy } from './policy.ts'
import { quietBelow } from './quiet-hours.ts'
import { type Notice, type NoticeItem, type NoticeKind, noticeKinds } from './types.ts'

export type Counts = Partial<Record<NoticeKind, number>>

/** What a channel's pace depends on, and the notice on its way. */
export interface ChannelState {
  /** Of the newest notice; none is used twice. */
  number: number
  /** When the notices of the last minute were made. */
  recentMs: number[]
  /** When each group was last in a notice. */
  groups: Record<string, number>
  /** Changes told as a count only, with the next notice. */
  folded: Counts
  /** On its way until delivered; `folded` is what it counts without listing. */
  outgoing: { notice: Notice; folded: Counts } | null
}

export function newChannelState(): ChannelState {
  return { number: 0, recentMs: [], groups: {}, folded: {}, outgoing: null }
}

/** One thing that may be told now. */
export interface Pending {
  entry: Entry
  track: Track
  kind: NoticeKind
}

export interface Moment {
  policy: Policy
  nowMs: number
  silences: Silences
  acknowledged(alertId: string): boolean
}

/** What may be told now, whether it presses, and when it is worth looking again. */
export interface Outlook {
  pending: Pending[]
  due: boolean
  nextMs: number
}

const minuteMs = 60_000

/** Alerts of one rule at one site keep each other company. */
function groupOf({ rule, site }: Alert): string {
  return `${rule}/${site}`
}

export function addCounts(into: Counts, more: Counts): Counts {
  const sum: Counts = { ...into }
  for (const kind of noticeKinds) if (more[kind]) sum[kind] = (sum[kind] ?? 0) + more[kind]
  return sum
}

export function countOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** When the reminder of what was told is due; Infinity for none. */
function reminderMs({ alert, successor }: Entry, track: Track, { policy, acknowledged }: Moment): number {
  if (successor !== null || alert.state !== 'active' || track.told?.state !== 'active') return Number.POSITIVE_INFINITY
  return acknowledged(alert.id) ? Number.POSITIVE_INFINITY : track.toldMs + policy.remindEveryMs
}

interface Held {
  /** Until when, as far as is known; 0 for not at all. */
  untilMs: number
  byQuietHours: boolean
}

/** What holds it back. Of a machine a silence holds only what is new and active. */
function heldBack({ entry: { alert }, kind }: Pending, quietRank: number, moment: Moment): Held {
  const { policy, nowMs, silences } = moment
  const canWait = policy.tells === 'notices' || (alert.state === 'active' && kind !== 'reminder')
  const silence = canWait ? silences.of(alert, nowMs) : undefined
  if (silence) return { untilMs: silence.untilMs, byQuietHours: false }
  const byQuietHours = severities.indexOf(alert.severity) < quietRank
  return { untilMs: byQuietHours ? nowMs - (nowMs % minuteMs) + minuteMs : 0, byQuietHours }
}

function dueMs({ entry, track, kind }: Pending, groups: ChannelState['groups'], policy: Policy): number {
  if (kind === 'reminder' || track.sinceMs === null) return 0
  const lastMs = groups[groupOf(entry.alert)]
  const apartMs = lastMs === undefined ? 0 : lastMs + policy.groupEveryMs
  return Math.max(track.sinceMs + policy.groupWaitMs, apartMs)
}

/** Everything that a channel with no notice on its way could be told now. */
export function outlook(entries: Iterable<Entry>, state: ChannelState, moment: Moment): Outlook {
  const { policy, nowMs } = moment
  const around = { quietRank: rankOf(quietBelow(policy.quietHours, nowMs)), state, moment }
  const found: Outlook = { pending: [], due: countOf(state.folded) > 0, nextMs: Number.POSITIVE_INFINITY }
  for (const entry of entries) {
    const track = entry.tracks.get(policy.name)
    if (track && concerns(policy, entry)) look(found, { entry, track }, around)
  }
  return found
}

function rankOf(severity: Severity | null): number {
  return severity === null ? 0 : severities.indexOf(severity)
}

function look(found: Outlook, { entry, track }: Omit<Pending, 'kind'>, around: Around): void {
  const { policy, nowMs } = around.moment
  const remindMs = reminderMs(entry, track, around.moment)
  const kind = kindOf(entry, track, policy.tells) ?? (remindMs <= nowMs || track.again ? 'reminder' : null)
  if (kind === null) found.nextMs = Math.min(found.nextMs, remindMs)
  else add(found, { entry, track, kind }, around)
}

interface Around {
  quietRank: number
  state: ChannelState
  moment: Moment
}

function add(found: Outlook, pending: Pending, { quietRank, state, moment }: Around): void {
  const held = heldBack(pending, quietRank, moment)
  const atMs = Math.max(held.untilMs, dueMs(pending, state.groups, moment.policy))
  if (held.byQuietHours) pending.track.quiet = true
  if (held.untilMs === 0) found.pending.push(pending)
  if (atMs <= moment.nowMs) found.due = true
  else found.nextMs = Math.min(found.nextMs, atMs)
}

/** When the rate allows another notice. */
export function roomAtMs({ recentMs }: ChannelState, { maxPerMinute }: Policy): number {
  if (recentMs.length < maxPerMinute) return 0
  return recentMs[recentMs.length - maxPerMinute]! + minuteMs
}

function byUrgency(a: Pending, b: Pending): number {
  const severity = severities.indexOf(b.entry.alert.severity) - severities.indexOf(a.entry.alert.severity)
  const kind = noticeKinds.indexOf(a.kind) - noticeKinds.indexOf(b.kind)
  return severity || kind || a.entry.alert.raised - b.entry.alert.raised
}

/** What is over comes first, so that of two episodes of one subject the later stands. */
function byState(a: Pending, b: Pending): number {
  const over = ({ entry }: Pending) => (entry.alert.state === 'active' ? 1 : 0)
  return over(a) - over(b) || a.entry.alert.raised - b.entry.alert.raised
}

function itemOf({ entry: { alert, thread }, track: { told }, kind }: Pending): NoticeItem {
  const replaces = told !== null && told.state !== 'withdrawn' && told.id !== alert.id ? told.id : null
  return { key: `${alert.id}#${alert.rev}`, kind, alert, thread, replaces }
}

/** Who tells, and the words that make a key its own. */
export interface Teller {
  evaluator: string
  keyPrefix: string
}

/** Makes the next notice of all that is pending and puts it on its way; returns what of it is told. */
export function putOnItsWay(pending: readonly Pending[], state: ChannelState, moment: Moment & Teller): Pending[] {
  const { policy, nowMs, evaluator, keyPrefix } = moment
  const states = policy.tells === 'states'
  const sorted = [...pending].sort(states ? byState : byUrgency)
  const told = states ? sorted.slice(0, policy.maxItems) : sorted
  const items = sorted.slice(0, policy.maxItems).map(itemOf)
  const counts = told.reduce((sum, { kind }) => addCounts(sum, { [kind]: 1 }), state.folded)
  state.number += 1
  const notice: Notice = {
    key: `${keyPrefix}.${policy.name}.${state.number}`,
    channel: policy.name,
    evaluator,
    atMs: nowMs,
    counts,
    items,
    unlisted: countOf(counts) - items.length,
    afterQuiet: told.some(({ track }) => track.quiet),
  }
  state.outgoing = { notice, folded: state.folded }
  state.folded = {}
  state.recentMs = [...state.recentMs.filter((atMs) => atMs > nowMs - minuteMs), nowMs]
  markGroups(told, state, moment)
  return told
}

function markGroups(told: readonly Pending[], state: ChannelState, { policy, nowMs }: Moment): void {
  const kept = Object.entries(state.groups).filter(([, atMs]) => atMs + policy.groupEveryMs > nowMs)
  state.groups = Object.fromEntries(kept)
  for (const { entry } of told) state.groups[groupOf(entry.alert)] = nowMs
}
