import type { Acknowledgement, Alert } from '@millrace/contracts'
import { AlertBook } from './alert-book.ts'
import {
  addCounts,
  type ChannelState,
  countOf,
  type Moment,
  newChannelState,
  outlook,
  type Pending,
  putOnItsWay,
  roomAtMs,
  type Teller,
} from './compose.ts'
import { type Entry, kindOf, subjectOf } from './entry.ts'
import { Silences } from './matching.ts'
import type { Policy } from './policy.ts'
import type { Notice } from './types.ts'

/** What must be on disk before anything that follows from it leaves the process. */
export interface PlannerChanges {
  entries: Map<string, Entry | null>
  channels: Map<string, ChannelState>
  /** Of alerts that follow an acknowledged one. */
  acknowledged: Map<string, Acknowledgement>
}

export interface PlannerSaved {
  entries: Iterable<Entry>
  channels: ReadonlyMap<string, ChannelState>
}

/**
 * Decides who is told what and when. There is no queue of events: each channel has, per alert, what it was told, and
 * what is left to tell is the difference to what is now (`kindOf`). So whatever happens while a channel waits, is
 * silenced or is down merges by itself; at most one notice per channel is on its way.
 * Pure: time is passed in, and what must be written comes out of `takeChanges`.
 */
export class Planner {
  readonly silences = new Silences()
  readonly acknowledged = new Map<string, Acknowledgement>()
  readonly #policies: readonly Policy[]
  readonly #teller: Teller
  readonly #book: AlertBook
  readonly #channels: Map<string, ChannelState>
  readonly #outdated = new Set<string>()
  readonly #lookAgainMs = new Map<string, number>()
  #newestMs = Number.POSITIVE_INFINITY
  #changedChannels = new Map<string, ChannelState>()
  #newlyAcknowledged = new Map<string, Acknowledgement>()

  constructor(policies: readonly Policy[], teller: Teller, saved?: PlannerSaved) {
    this.#policies = policies
    this.#teller = teller
    this.#book = new AlertBook(policies, saved?.entries)
    this.#channels = new Map(policies.map(({ name }) => [name, saved?.channels.get(name) ?? newChannelState()]))
  }

  /** Changes of alerts, in order; those known already are ignored. */
  take(alerts: readonly Alert[], nowMs: number): void {
    for (const alert of alerts) {
      const taken = this.#book.take(alert, nowMs)
      const acknowledgement = taken?.from && this.acknowledged.get(taken.from.alert.id)
      if (acknowledgement) this.#acknowledge(alert.id, acknowledgement)
      if (taken) this.#mute(taken.entry, nowMs)
    }
    for (const policy of this.#policies) this.#fold(policy, nowMs)
    this.#book.forget(nowMs)
    this.#noticeTouched()
  }

  #acknowledge(id: string, acknowledgement: Acknowledgement): void {
    this.acknowledged.set(id, acknowledgement)
    this.#newlyAcknowledged.set(id, acknowledgement)
  }

  /** What was raised and is over within a silence is told to nobody, then or later. */
  #mute(entry: Entry, nowMs: number): void {
    if (entry.alert.state === 'active' || !this.silences.of(entry.alert, nowMs)) return
    for (const { name, tells } of this.#policies) {
      const track = entry.tracks.get(name)
      if (track && !track.telling && kindOf(entry, track, tells) === 'passed') track.muted = true
    }
    this.#book.refresh(entry, nowMs)
  }

  /** Beyond the limit the changes that have waited longest are told as a count. */
  #fold({ name, tells, maxHeld }: Policy, nowMs: number): void {
    if (this.#book.live.size <= maxHeld) return
    const waiting = [...this.#book.live].flatMap((entry) => {
      const track = entry.tracks.get(name)
      return track && track.sinceMs !== null && track.telling === null ? [{ entry, track, sinceMs: track.sinceMs }] : []
    })
    waiting.sort((a, b) => a.sinceMs - b.sinceMs)
    const state = this.#channels.get(name)!
    for (const { entry, track } of waiting.slice(0, Math.max(0, waiting.length - maxHeld))) {
      state.folded = addCounts(state.folded, { [kindOf(entry, track, tells)!]: 1 })
      this.#book.tell(entry, track, nowMs)
      this.#changedChannels.set(name, state)
    }
  }

  #noticeTouched(): void {
    for (const name of this.#book.touched) {
      this.#outdated.add(name)
      this.#lookAgainMs.delete(name)
    }
    this.#book.touched.clear()
  }

  /** Silences or acknowledgements are others now. */
  lookAgain(): void {
    this.#lookAgainMs.clear()
  }

  /** The notice to send now; null while one is on its way, or nothing presses, or the rate is used up. */
  compose(policy: Policy, nowMs: number): Notice | null {
    const { name } = policy
    const state = this.#channels.get(name)!
    if (nowMs < this.#newestMs) this.#stepBack(nowMs)
    this.#newestMs = nowMs
    if (state.outgoing || nowMs < (this.#lookAgainMs.get(name) ?? 0)) return null
    const acknowledged = (id: string) => this.acknowledged.has(id)
    const moment = { policy, nowMs, silences: this.silences, acknowledged, ...this.#teller }
    const { pending, due, nextMs } = outlook(this.#book.live, state, moment)
    const roomMs = roomAtMs(state, policy)
    this.#lookAgainMs.set(name, due ? roomMs : nextMs)
    return due && roomMs <= nowMs ? this.#send(pending, state, moment) : null
  }

  #send(pending: Pending[], state: ChannelState, moment: Moment & Teller): Notice | null {
    const { policy, nowMs } = moment
    const worth = policy.tells === 'states' ? this.#withoutOvertaken(pending, policy, nowMs) : pending
    if (worth.length === 0 && countOf(state.folded) === 0) return null
    const told = putOnItsWay(worth, state, moment)
    for (const { entry, track } of told) this.#book.putOnTheWay(entry, track)
    this.#changedChannels.set(policy.name, state)
    this.#outdated.delete(policy.name)
    return state.outgoing!.notice
  }

  /** The end of an episode says nothing to a machine that has the next one of the same subject already. */
  #withoutOvertaken(pending: readonly Pending[], { name }: Policy, nowMs: number): Pending[] {
    const activeAgain = new Set<string>()
    for (const { alert, tracks } of this.#book.live) {
      const told = tracks.get(name)?.told
      if (alert.state === 'active' && told?.state === 'active') activeAgain.add(subjectOf(alert))
    }
    return pending.filter(({ entry, track }) => {
      const overtaken = entry.alert.state !== 'active' && activeAgain.has(subjectOf(entry.alert))
      if (overtaken) this.#book.tell(entry, track, nowMs)
      return !overtaken
    })
  }

  #stepBack(nowMs: number): void {
    this.#book.clamp(nowMs)
    this.#lookAgainMs.clear()
    for (const state of this.#channels.values()) {
      state.recentMs = state.recentMs.filter((atMs) => atMs <= nowMs)
      for (const [group, atMs] of Object.entries(state.groups)) state.groups[group] = Math.min(atMs, nowMs)
    }
  }

  /** The notice on its way arrived, or was refused for good. */
  arrived(name: string, nowMs: number): void {
    this.#end(name)
    this.#book.arrived(name, nowMs)
    this.#noticeTouched()
  }

  /** The notice on its way certainly did not arrive, and what is left to tell may be another thing by now. */
  takeBack(name: string, nowMs: number): void {
    const { state, folded } = this.#end(name)
    state.folded = addCounts(state.folded, folded)
    state.recentMs.pop()
    state.groups = {}
    this.#book.takeBack(name, nowMs)
    this.#noticeTouched()
  }

  #end(name: string): { state: ChannelState; folded: ChannelState['folded'] } {
    const state = this.#channels.get(name)!
    const folded = state.outgoing?.folded ?? {}
    state.outgoing = null
    this.#changedChannels.set(name, state)
    return { state, folded }
  }

  /** The far side may have forgotten what it was told: every state is stated once more. */
  stateAgain(name: string): void {
    this.#book.stateAgain(name)
    this.#noticeTouched()
  }

  outgoing(name: string): Notice | null {
    return this.#channels.get(name)?.outgoing?.notice ?? null
  }

  /** Whether the notice on its way no longer says all there is. */
  isOutdated(name: string): boolean {
    return this.#outdated.has(name)
  }

  /** Changes of alerts that the channel has still to be told. */
  waiting(name: string): number {
    const state = this.#channels.get(name)
    let waiting = countOf(state?.folded ?? {}) + countOf(state?.outgoing?.folded ?? {})
    for (const { tracks } of this.#book.live) {
      const track = tracks.get(name)
      if (track && (track.sinceMs !== null || track.telling !== null)) waiting += 1
    }
    return waiting
  }

  takeChanges(): PlannerChanges {
    const changes = {
      entries: this.#book.takeChanges(),
      channels: this.#changedChannels,
      acknowledged: this.#newlyAcknowledged,
    }
    this.#changedChannels = new Map()
    this.#newlyAcknowledged = new Map()
    return changes
  }
}
