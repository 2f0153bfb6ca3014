import type { Bounds } from '../definition/bounds.ts'

/** An episode: bad for as long as its rule demands, until it was good again. */
export interface Episode {
  start: number
  raised: number
  end: number | null
  /** The worst value; null where the rule has none. */
  value: number | null
}

/** What the judgements so far come to. Only bad ones in a row count as pending. */
export interface FoldState {
  pendingMs: number
  start: number
  raised: number
  firing: boolean
  worst: number
  /** End of the newest judgement. */
  lastEnd: number
}

export interface FoldSettings {
  forMs: number
  bounds: Bounds
  /** A pause this long between judgements at least does not make what is pending forgotten, ms. */
  patienceMs: number
}

const none = Number.NaN

export function calmState(): FoldState {
  return { pendingMs: 0, start: none, raised: none, firing: false, worst: none, lastEnd: none }
}

export function isCalm(state: FoldState): boolean {
  return !state.firing && Number.isNaN(state.start)
}

/** Gaps of this many windows are always bridged by what is pending. */
const bridgedWindows = 5

function beyond(value: number, { low, high }: Bounds): number {
  return Math.max(value - high, low - value)
}

/**
 * Folds judgements in order of time into episodes. A gap neither fires nor resolves; what is pending is forgotten after
 * a gap longer than `for` and than five windows.
 */
export class Fold {
  readonly #settings: FoldSettings
  readonly state: FoldState
  episodes: readonly Episode[] = []

  constructor(settings: FoldSettings, state: FoldState) {
    this.#settings = settings
    this.state = { ...state }
  }

  /** `lengthMs` 0: a reading, which counts from the bad one before it. */
  bad(start: number, lengthMs: number, value: number): void {
    const { state } = this
    const { forMs, patienceMs, bounds } = this.#settings
    const gap = start - state.lastEnd
    if (!state.firing && gap > Math.max(forMs, patienceMs, bridgedWindows * lengthMs)) this.#forget()
    if (Number.isNaN(state.start)) state.start = start
    if (!(beyond(state.worst, bounds) >= beyond(value, bounds))) state.worst = value
    state.pendingMs = lengthMs === 0 ? start - state.start : state.pendingMs + lengthMs
    state.lastEnd = start + lengthMs
    if (state.firing || state.pendingMs < forMs) return
    state.firing = true
    state.raised = state.lastEnd
  }

  /** Neither bad nor good: an episode goes on, what is pending is forgotten. */
  between(start: number, lengthMs: number): void {
    if (!this.state.firing) this.#forget()
    this.state.lastEnd = start + lengthMs
  }

  /** Good windows without a gap, or one. */
  good(start: number, end: number): void {
    if (this.state.firing) this.episodes = [...this.episodes, { ...this.#episode(), end: start }]
    this.#forget()
    this.state.lastEnd = end
  }

  /** Those that ended, and the one that goes on. */
  all(): readonly Episode[] {
    return this.state.firing ? [...this.episodes, this.#episode()] : this.episodes
  }

  /** Those that ended before `floor` do not change any more. */
  dropBefore(floor: number): void {
    this.episodes = this.episodes.filter(({ end }) => end! >= floor)
  }

  #episode(): Episode {
    const { start, raised, worst } = this.state
    return { start, raised, end: null, value: Number.isNaN(worst) ? null : worst }
  }

  #forget(): void {
    const { lastEnd } = this.state
    Object.assign(this.state, calmState(), { lastEnd })
  }
}
