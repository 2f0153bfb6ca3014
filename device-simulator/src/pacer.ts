import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@millrace/pipeline'
import type { Lane } from './publish/index.ts'
import type { RunKeeper } from './run-keeper.ts'

const pumpEveryMs = 10
const settleWithinMs = 800

export interface PacerParts {
  lanes: readonly Lane[]
  keeper: Pick<RunKeeper, 'horizonMs'>
  clock: Clock
  t0Ms: number
  endMs: number
}

export interface Pacer {
  /** What leaves up to T0 is acknowledged. */
  readonly historyDone: Promise<void>
  /** What leaves up to the end is acknowledged, and the clock has passed the end. */
  readonly finished: Promise<void>
  /** Sends nothing more and waits a moment for acknowledgements. */
  stop(): Promise<void>
}

/** Lets the lanes send what is due by the clock and allowed by the ledger. */
export function startPacer({ lanes, keeper, clock, t0Ms, endMs }: PacerParts): Pacer {
  const history = createMilestone(lanes, t0Ms)
  const end = createMilestone(lanes, endMs)
  const turn = () => {
    const now = clock.now()
    const dueMs = Math.min(now, keeper.horizonMs, endMs)
    for (const lane of lanes) lane.pump(dueMs)
    history.look()
    if (now >= endMs) end.look()
  }
  const timer = setInterval(turn, pumpEveryMs)
  return {
    historyDone: history.reached,
    finished: end.reached,
    async stop() {
      clearInterval(timer)
      for (const lane of lanes) lane.pump(Number.NEGATIVE_INFINITY)
      const deadline = performance.now() + settleWithinMs
      while (lanes.some(({ published, settled }) => settled < published) && performance.now() < deadline)
        await delay(10)
    },
  }
}

/** Reached when everything that leaves up to a moment was published, and as many messages are settled. */
function createMilestone(lanes: readonly Lane[], ms: number) {
  const { promise, resolve } = Promise.withResolvers<void>()
  let published: number[] | undefined
  return {
    reached: promise,
    look() {
      if (!published && lanes.every((lane) => lane.nextMs() > ms)) published = lanes.map((lane) => lane.published)
      if (published && lanes.every((lane, index) => lane.settled >= published![index]!)) resolve()
    },
  }
}
