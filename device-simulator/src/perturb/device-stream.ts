import { type DevicePlan, firstTick, tickMs } from '../device.ts'
import { Heap } from '../heap.ts'
import { hashText, mix, unit } from '../random.ts'
import type { Draft, Send } from '../send.ts'
import type { Perturbation, Traits } from './perturbation.ts'

export interface StreamSettings {
  fleetSeed: number
  t0Ms: number
  /** Nothing is taken before this. */
  fromMs: number
  /** Names this run of the simulator in boots. */
  runName: string
  perturbations: readonly { perturbation: Perturbation; share: number }[]
}

/** The messages of one device in the order they leave; endless. */
export interface DeviceStream {
  /** The next one, which stays. */
  peek(): Send
  next(): Send
  readonly firstTick: number
}

/** A pure function of the plan and the settings: two streams of equal arguments say the same. */
export function createDeviceStream(plan: DevicePlan, settings: StreamSettings): DeviceStream {
  const bend = bendings(plan, settings)
  const number = numbering(plan, settings.runName, bend.traits)
  const waiting = new Heap<Send>((a, b) => a.sendMs - b.sendMs || a.tick - b.tick || a.copy - b.copy)
  const first = firstTick(plan, settings.fromMs)
  let tick = first
  /** A message never leaves before it is taken, so what waits until the next tick or longer may still be overtaken. */
  const fill = (): Send => {
    for (;;) {
      const head = waiting.peek()
      const atMs = tickMs(plan, tick)
      if (head && head.sendMs <= atMs) return head
      for (const send of number(bend.draft(tick, atMs))) waiting.push(send)
      tick++
    }
  }
  return {
    firstTick: first,
    peek: fill,
    next() {
      const send = fill()
      waiting.pop()
      return send
    },
  }
}

/** Lets every perturbation bend a message of the device. */
function bendings(plan: DevicePlan, { fleetSeed, t0Ms, perturbations }: StreamSettings) {
  const traits: Traits = { boot: plan.boot }
  const apply = perturbations.map(({ perturbation, share }) => {
    const seed = hashText(perturbation.name, plan.seed)
    const chance = (n: number, draw = 0) => unit(mix(seed, draw), n)
    const { index, of, everyMs, stamped } = plan
    return perturbation.create({ index, of, everyMs, stamped, fleetSeed, chance, traits, t0Ms }, share)
  })
  const draft = (tick: number, atMs: number): Draft => {
    const made: Draft = {
      ...{ tick, atMs, delayMs: 0, repeatAfterMs: null, lost: false, restarts: false, clockOffsetMs: 0, harm: null },
    }
    for (const bend of apply) bend(made)
    return made
  }
  return { traits, draft }
}

/** Gives messages their boot and number, and makes the repetitions. */
function numbering(plan: DevicePlan, runName: string, traits: Traits): (draft: Draft) => Send[] {
  let boots = 0
  let seq = 0
  return ({ tick, atMs, delayMs, repeatAfterMs, lost, restarts, clockOffsetMs, harm }) => {
    if (restarts) {
      boots++
      seq = 0
    }
    const boot = traits.boot ? `${runName}-${boots}` : null
    const tsMs = plan.stamped ? atMs + clockOffsetMs : null
    const sendMs = atMs + delayMs
    const send: Send = { tick, copy: 0, sendMs, atMs, tsMs, seq: seq++, boot, harm }
    if (lost) return []
    return repeatAfterMs === null ? [send] : [send, { ...send, copy: 1, sendMs: sendMs + repeatAfterMs }]
  }
}
