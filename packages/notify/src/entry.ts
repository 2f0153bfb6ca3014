import type { Alert, AlertState } from '@millrace/contracts'
import type { Policy } from './policy.ts'
import type { NoticeKind } from './types.ts'

/** What a channel knows of an alert. `id` is another one where late data moved the alert since. */
export interface Told {
  id: string
  rev: number
  state: AlertState
}

/** One alert as one channel has it. */
export interface Track {
  told: Told | null
  /** Of the newest telling, epoch ms. */
  toldMs: number
  /** What the notice now on its way says of it. */
  telling: Told | null
  /** Since when there is something to tell; null when there is nothing. */
  sinceMs: number | null
  /** Over before it could be told, in a silence: never told. */
  muted: boolean
  /** Quiet hours held it back; found anew after a restart. */
  quiet: boolean
  /** To be stated once more: the far side may have forgotten it. */
  again: boolean
}

/** An alert at its newest revision, with every channel that it concerns. */
export interface Entry {
  alert: Alert
  /** Id of the first alert of a chain of moves. */
  thread: string
  /** Id of the alert it was moved to: nothing more is told of this one. */
  successor: string | null
  seenMs: number
  tracks: Map<string, Track>
}

export function newTrack(): Track {
  return { told: null, toldMs: 0, telling: null, sinceMs: null, muted: false, quiet: false, again: false }
}

export function toldNow({ alert }: Entry): Told {
  return { id: alert.id, rev: alert.rev, state: alert.state }
}

/** Whether the channel is to hear of it: it asked for such alerts, or has heard of this one before. */
export function concerns(policy: Policy, entry: Entry): boolean {
  const track = entry.tracks.get(policy.name)
  return policy.matches(entry.alert) || (track !== undefined && (track.told ?? track.telling) !== null)
}

function ofActive(told: Told | null, id: string): NoticeKind | null {
  if (told?.state !== 'active') return 'raised'
  return told.id === id ? null : 'moved'
}

function ofCleared(told: Told | null, id: string): NoticeKind | null {
  if (told === null || told.state === 'withdrawn') return 'passed'
  if (told.state === 'active') return 'cleared'
  return told.id === id ? null : 'moved'
}

function ofWithdrawn(told: Told | null): NoticeKind | null {
  return told === null || told.state === 'withdrawn' ? null : 'withdrawn'
}

const kinds = { active: ofActive, cleared: ofCleared, withdrawn: ofWithdrawn }

/**
 * What is left to tell, from what was told and what is: so a channel that was down, silenced or limited is told the
 * difference once, and a raise that was withdrawn in the meantime leaves none.
 */
export function kindOf(entry: Entry, { told, muted }: Track, tells: Policy['tells']): NoticeKind | null {
  const { id, state } = entry.alert
  if (entry.successor !== null || (muted && state !== 'active')) return null
  // A machine sees states: one that it does not have as active can only become active.
  if (tells === 'states' && state !== 'active' && told?.state !== 'active') return null
  return kinds[state](told, id)
}

/** Rule, site, device and metric, without the episode: an actuator has one state of each. */
export function subjectOf({ rule, site, device, metric }: Alert): string {
  return [rule, site, device ?? '-', metric ?? '-'].join('/')
}

/** Nothing can be left to tell of it unless a higher revision comes. */
export function isSettled({ alert, successor, tracks }: Entry): boolean {
  if (alert.state === 'active' && successor === null) return false
  return [...tracks.values()].every(({ sinceMs, telling, again }) => sinceMs === null && telling === null && !again)
}
