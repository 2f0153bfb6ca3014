import { MillraceError, pause, silentLogger } from '@millrace/pipeline'
import { createMqttLink, type MqttLink } from '@millrace/transports'
import type { Act, Scene } from './act.ts'
import { acts } from './acts/index.ts'
import type { Findings } from './findings.ts'
import type { Heartbeat } from './heartbeat.ts'
import { KnownDevice } from './known-device.ts'
import type { MarkPost } from './marks.ts'
import type { Narrator } from './narrator.ts'
import type { PlannedAct } from './plan.ts'
import type { Target } from './target.ts'

const lookEveryMs = 25
/** An act that takes so much longer than it has is given up. */
const graceMs = 90_000

/** Devices of the drill's own, and their connections. */
export class Extras {
  readonly devices: KnownDevice[] = []
  readonly #links: MqttLink[] = []
  readonly #target: Target
  readonly #run: string

  /** `run` ends their names where others may have been there before. */
  constructor(target: Target, run: string) {
    this.#target = target
    this.#run = run
  }

  link(name: string): MqttLink {
    const url = `mqtt://127.0.0.1:${this.#target.ports.mqtt}`
    const link = createMqttLink({ url, clientId: `drill-${name}-${process.pid}`, log: silentLogger })
    this.#links.push(link)
    // It connects again by itself for ever; what it cannot reach now, it reaches later.
    link.start().catch(() => undefined)
    return link
  }

  device(link: MqttLink, name: string): KnownDevice {
    const device = new KnownDevice(link, this.#run === '' ? name : `${name}-${this.#run}`)
    this.devices.push(device)
    return device
  }

  async stop(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.stop()))
  }
}

export interface PlayOptions {
  target: Target
  planned: readonly PlannedAct[]
  heartbeat: Heartbeat
  extras: Extras
  say: Narrator
  marks: MarkPost
  findings: Findings
  seed: number
  run: string
  signal: AbortSignal
  /** Told of each act when it begins. */
  began(act: PlannedAct): void
}

function sceneOf(options: PlayOptions, { lengthMs }: PlannedAct): Scene {
  const { extras, signal } = options
  const wait = (ms: number) => pause(ms, signal)
  return {
    ...options,
    lengthMs,
    wait,
    link: (name) => extras.link(name),
    device: (link, name) => extras.device(link, name),
    async until(holds, withinMs) {
      const beganAt = performance.now()
      while (!(await holds())) {
        if (performance.now() - beganAt > withinMs) return null
        await wait(lookEveryMs)
      }
      return performance.now() - beganAt
    },
  }
}

/** Rejects when the work takes far too long, and at once when the signal ends it, whatever it waits for. */
export async function bounded<T>(work: Promise<T>, lengthMs: number, signal: AbortSignal): Promise<T> {
  const done = new AbortController()
  const over = pause(lengthMs + graceMs, AbortSignal.any([signal, done.signal])).then(() => {
    throw new MillraceError('check-failed', `not over after ${Math.round((lengthMs + graceMs) / 1000)} s`)
  })
  work.catch(() => undefined)
  over.catch(() => undefined)
  try {
    return await Promise.race([work, over])
  } finally {
    done.abort()
  }
}

/** What breaks an act off is noted. Rejects when the signal ends it. */
async function playOne(act: Act, plan: PlannedAct, options: PlayOptions): Promise<void> {
  const { say, marks, findings, signal } = options
  const end = act.mark === undefined ? () => undefined : marks.begin(act.mark, plan.lengthMs)
  try {
    const result = await bounded(act.play(sceneOf(options, plan)), plan.lengthMs, signal)
    say.result(result)
    if (!result.well) findings.cutShort.push({ act: act.name, why: result.text })
  } catch (error) {
    signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    findings.cutShort.push({ act: act.name, why })
    say.result({ well: false, text: why })
  } finally {
    end()
  }
}

/** One act after the other. Rejects when the signal ends it. */
export async function playActs(options: PlayOptions): Promise<void> {
  const { planned, say } = options
  for (const [index, plan] of planned.entries()) {
    const act = acts.find(({ name }) => name === plan.name)!
    options.began(plan)
    say.act(act, act.does(plan, options.target), { at: index + 1, of: planned.length })
    await playOne(act, plan, options)
  }
}
