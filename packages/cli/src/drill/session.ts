import type { VerifyReport } from '../verify/report.ts'
import type { Display } from './drill.ts'
import type { Evidence } from './evidence.ts'
import { type Findings, noFindings } from './findings.ts'
import { Heartbeat } from './heartbeat.ts'
import type { DeviceVerdict } from './known-device.ts'
import { LiveBoard } from './live-board.ts'
import { MarkPost } from './marks.ts'
import { Narrator } from './narrator.ts'
import type { DrillOptions } from './options.ts'
import { planActs } from './plan.ts'
import { bounded, Extras, playActs } from './play.ts'
import { recountFleet, recountOwn } from './recount.ts'
import { showRecount } from './recount-board.ts'
import { type Scorecard, scorecard } from './scorecard.ts'
import type { Target } from './target.ts'
import { count, span } from './words.ts'

const recountWithinMs = 300_000

export interface SessionParts {
  target: Target
  options: Pick<DrillOptions, 'durationMs' | 'seed' | 'acts'>
  display: Display
  /** Ends the names of what it leaves in a stack that others use. */
  run: string
  /** Ends the fleet; undefined where it goes on. */
  fleetEnds?: () => Promise<void>
}

/** One drill on one stack, from the first act to the scorecard. */
export class Session {
  readonly #parts: SessionParts
  readonly #findings: Findings = noFindings()
  readonly #extras: Extras
  readonly #heartbeat: Heartbeat
  readonly #say: Narrator

  constructor(parts: SessionParts) {
    const { target, display, run } = parts
    this.#parts = parts
    this.#extras = new Extras(target, run)
    this.#heartbeat = new Heartbeat(target, this.#extras.device(this.#extras.link('heartbeat'), 'heartbeat'))
    this.#say = new Narrator(display)
  }

  /** What was learned, also where the signal ended it. */
  async run(signal: AbortSignal): Promise<Scorecard> {
    try {
      await this.#play(signal)
      const recounted = await this.#shown(signal)
      return scorecard({ ...this.#evidence(false), ...recounted, ownSeries: this.#ownSeries() })
    } catch (error) {
      if (!signal.aborted) throw error
      return scorecard(this.#evidence(true))
    } finally {
      await this.#extras.stop()
      await this.#parts.target.connectUplink(true)
    }
  }

  #evidence(interrupted: boolean): Evidence {
    const { options } = this.#parts
    const { seed, acts } = options
    return {
      ...{ findings: this.#findings, ages: this.#heartbeat.ages, seed, acts, interrupted },
      tookMs: this.#say.elapsedMs,
      perturbed: this.#parts.fleetEnds !== undefined,
    }
  }

  #ownSeries(): number {
    return this.#extras.devices.filter(({ stored }) => stored > 0).length
  }

  async #play(signal: AbortSignal): Promise<void> {
    const { target, options, display, run } = this.#parts
    const planned = planActs(options.acts, options.durationMs)
    const marks = new MarkPost(target, run || options.seed.toString(36), signal)
    const shown = new AbortController()
    const board = this.#board(planned)
    const showing = display.live ? board.run(AbortSignal.any([signal, shown.signal])) : Promise.resolve()
    this.#heartbeat.start()
    try {
      await playActs({
        ...{ target, planned, marks, signal, run, seed: options.seed, say: this.#say },
        ...{ heartbeat: this.#heartbeat, extras: this.#extras, findings: this.#findings },
        began: (act) => {
          board.current = planned.indexOf(act)
        },
      })
      await marks.flush()
    } finally {
      shown.abort()
      await showing
    }
  }

  #board(acts: ReturnType<typeof planActs>): LiveBoard {
    const { target, options, display } = this.#parts
    const { durationMs } = options
    return new LiveBoard({
      ...{ ...display, target, heartbeat: this.#heartbeat, findings: this.#findings, acts, durationMs },
      elapsedMs: () => this.#say.elapsedMs,
      uplink: () => target.uplinkConnected,
    })
  }

  /** The recount, and what is left to do of it. */
  async #shown(signal: AbortSignal): Promise<Pick<Evidence, 'fleet' | 'own' | 'accounts'>> {
    const { target, display } = this.#parts
    const over = new AbortController()
    const parts = { ...display, target, elapsedMs: () => this.#say.elapsedMs }
    const showing = display.live ? showRecount(parts, AbortSignal.any([signal, over.signal])) : Promise.resolve()
    try {
      return await this.#recount(signal)
    } finally {
      over.abort()
      await showing
    }
  }

  /** Everything that was sent is acknowledged before it is counted. */
  async #recount(signal: AbortSignal): Promise<Pick<Evidence, 'fleet' | 'own' | 'accounts'>> {
    const { target, fleetEnds } = this.#parts
    const slow = target.own ? '' : '. Windows of its own devices close after two windows of silence'
    this.#say.line()
    this.#say.event(
      `everything is let drain and recounted by programs that took no part: millrace verify, and the drill itself${slow}`,
    )
    if (!(await bounded(this.#heartbeat.stop(), recountWithinMs, signal)))
      this.#findings.cutShort.push({ act: 'end', why: 'the last readings were not acknowledged' })
    if (fleetEnds) await bounded(fleetEnds(), recountWithinMs, signal)
    const wait = fleetEnds !== undefined
    const fleet: VerifyReport = await recountFleet(target, { wait, limitMs: recountWithinMs, signal })
    const own: DeviceVerdict = await recountOwn(target, this.#extras.devices, { limitMs: recountWithinMs, signal })
    const accounts = await target.api.accounts()
    const took = `${count(fleet.windows)} windows of ${count(fleet.series)} series recounted`
    this.#say.event(`${took}, ${span(this.#say.elapsedMs)} after the beginning`)
    return { fleet, own, accounts }
  }
}
