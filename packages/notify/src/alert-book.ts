import type { Alert } from '@millrace/contracts'
import { concerns, type Entry, isSettled, kindOf, newTrack, subjectOf, type Track, toldNow } from './entry.ts'
import type { Policy } from './policy.ts'

/** Alerts over and told are remembered this long, so that a repeat is recognised: longer than any engine judges back. */
const rememberMs = 48 * 3_600_000
const rememberedAlerts = 2_000

/** Every alert at its newest revision, with what each channel was told of it. */
export class AlertBook {
  readonly #policies: readonly Policy[]
  /** In order of the last change. */
  readonly #entries = new Map<string, Entry>()
  readonly #live = new Set<Entry>()
  #changed = new Map<string, Entry | null>()
  /** Channels that have something else to tell than before. */
  readonly touched = new Set<string>()

  constructor(policies: readonly Policy[], saved: Iterable<Entry> = []) {
    this.#policies = policies
    for (const entry of saved) this.#restore(entry)
    this.#changed.clear()
  }

  /** A channel that is new is told what is active, not what is over; one that is gone is forgotten. */
  #restore(entry: Entry): void {
    const names = this.#policies.map(({ name }) => name)
    for (const name of [...entry.tracks.keys()]) if (!names.includes(name)) entry.tracks.delete(name)
    const over = entry.alert.state !== 'active'
    for (const name of names)
      if (over && !entry.tracks.has(name)) entry.tracks.set(name, { ...newTrack(), muted: true })
    this.#entries.set(entry.alert.id, entry)
    this.refresh(entry, entry.seenMs)
  }

  /** Those that may have something to tell, now or as a reminder. */
  get live(): ReadonlySet<Entry> {
    return this.#live
  }

  /** The entry at this revision, and the one it was moved from; undefined where it is known already. */
  take(alert: Alert, nowMs: number): { entry: Entry; from: Entry | undefined } | undefined {
    const known = this.#entries.get(alert.id)
    if (known && known.alert.rev >= alert.rev) return undefined
    const entry = known ?? { alert, thread: alert.id, successor: null, seenMs: nowMs, tracks: new Map() }
    Object.assign(entry, { alert, seenMs: nowMs })
    this.#entries.delete(alert.id)
    this.#entries.set(alert.id, entry)
    // An alert that the engine brings back after a move is its own again.
    if (alert.state === 'active') entry.successor = null
    const from = known === undefined || alert.change === 'moved' ? this.#follow(entry) : undefined
    this.refresh(entry, nowMs)
    return { entry, from }
  }

  /** What was told of the alert it moved from counts as told of this one. */
  #follow(entry: Entry): Entry | undefined {
    const { movedFrom, state } = entry.alert
    const from = movedFrom === null || state === 'withdrawn' ? undefined : this.#entries.get(movedFrom)
    if (!from || from === entry || from.successor === entry.alert.id) return undefined
    from.successor = entry.alert.id
    entry.successor = null
    entry.thread = from.thread
    for (const name of from.tracks.keys()) this.#inherit(from, entry, name)
    this.refresh(from, from.seenMs)
    return from
  }

  #inherit(from: Entry, to: Entry, name: string): void {
    const { told, toldMs } = from.tracks.get(name)!
    if (told !== null) to.tracks.set(name, { ...(to.tracks.get(name) ?? newTrack()), told, toldMs })
  }

  /** What was on its way to the channel has arrived there, or was refused for good. */
  arrived(name: string, nowMs: number): void {
    for (const [entry, track] of this.#onTheWay(name)) {
      this.tell(entry, track, nowMs)
      for (let from = entry; from.successor !== null; ) {
        const to = this.#entries.get(from.successor)
        if (!to || to === entry) break
        this.#inherit(from, to, name)
        this.refresh(to, nowMs)
        from = to
      }
    }
  }

  /** What was on its way to the channel is still to tell. */
  takeBack(name: string, nowMs: number): void {
    for (const [entry, track] of this.#onTheWay(name)) {
      track.telling = null
      this.refresh(entry, nowMs)
    }
  }

  #onTheWay(name: string): [Entry, Track][] {
    return [...this.#live].flatMap((entry): [Entry, Track][] => {
      const track = entry.tracks.get(name)
      return track?.telling ? [[entry, track]] : []
    })
  }

  /** It counts as told now: what is on its way or, without a notice, what it is. */
  tell(entry: Entry, track: Track, nowMs: number): void {
    Object.assign(track, {
      told: track.telling ?? toldNow(entry),
      toldMs: nowMs,
      telling: null,
      quiet: false,
      again: false,
    })
    this.refresh(entry, nowMs)
  }

  /** Marks the newest state of every subject that the channel was told of. */
  stateAgain(name: string): void {
    const newest = new Map<string, { entry: Entry; track: Track }>()
    for (const entry of this.#entries.values()) {
      const track = entry.tracks.get(name)
      const subject = subjectOf(entry.alert)
      const overtaken = newest.get(subject)?.entry.alert.state === 'active' && entry.alert.state !== 'active'
      if (track?.told && entry.successor === null && !overtaken) newest.set(subject, { entry, track })
    }
    for (const { entry, track } of newest.values()) {
      track.again = true
      this.#live.add(entry)
    }
    this.touched.add(name)
  }

  putOnTheWay(entry: Entry, track: Track): void {
    track.telling = toldNow(entry)
    this.#changed.set(entry.alert.id, entry)
  }

  /** Holds each track's `sinceMs` and the entry's liveness against what it says now. */
  refresh(entry: Entry, nowMs: number): void {
    for (const policy of this.#policies) if (concerns(policy, entry)) this.#refreshTrack(entry, policy, nowMs)
    if (isSettled(entry)) this.#live.delete(entry)
    else this.#live.add(entry)
    this.#changed.set(entry.alert.id, entry)
  }

  #refreshTrack(entry: Entry, { name, tells }: Policy, nowMs: number): void {
    const track = entry.tracks.get(name) ?? newTrack()
    entry.tracks.set(name, track)
    if (entry.alert.state === 'active') track.muted = false
    track.sinceMs = kindOf(entry, track, tells) === null ? null : (track.sinceMs ?? nowMs)
    this.touched.add(name)
  }

  /** No time of the past lies ahead: a clock that stepped back would hold everything until it is where it was. */
  clamp(nowMs: number): void {
    for (const { tracks } of this.#live) {
      for (const track of tracks.values()) {
        track.toldMs = Math.min(track.toldMs, nowMs)
        if (track.sinceMs !== null) track.sinceMs = Math.min(track.sinceMs, nowMs)
      }
    }
  }

  /** Forgets what is over, told and old, or too much. */
  forget(nowMs: number): void {
    let excess = this.#entries.size - this.#live.size - rememberedAlerts
    for (const [id, entry] of this.#entries) {
      if (excess <= 0 && entry.seenMs > nowMs - rememberMs) return
      if (this.#live.has(entry)) continue
      this.#entries.delete(id)
      this.#changed.set(id, null)
      excess -= 1
    }
  }

  /** What changed since the last call, null for what was forgotten. */
  takeChanges(): Map<string, Entry | null> {
    const changed = this.#changed
    this.#changed = new Map()
    return changed
  }
}
