import type { Clock, Logger } from '@millrace/pipeline'
import type { FleetRun, RunWriter } from './ledger/index.ts'

const saveEveryMs = 1_000
/** How many saves may be late before the simulator waits for the disk. */
const savesAhead = 5

export interface RunKeeperParts {
  /** Undefined: nothing is kept, and nothing waits. */
  writer: RunWriter | undefined
  clock: Clock
  log: Logger
  state(): Omit<FleetRun, 'horizonMs' | 'ended'>
}

/** Keeps the run's file current, and the horizon ahead of what is sent. */
export interface RunKeeper {
  /** What leaves up to here may be sent: a recount after a crash knows of it. */
  readonly horizonMs: number
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * The file is written whole each second. It names a horizon, and a message that leaves later is not sent before the
 * file with the next horizon is on disk; so after kill -9 the recount knows every message that may have been received.
 */
export function createRunKeeper({ writer, clock, log, state }: RunKeeperParts): RunKeeper {
  let horizonMs = writer ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  let savedMs = clock.now()
  let timer: NodeJS.Timeout | undefined
  let saving: Promise<void> = Promise.resolve()
  let stopped = false

  const save = async (ended: boolean) => {
    if (!writer) return
    const now = clock.now()
    const next = ended ? now : Math.max(horizonMs, now + savesAhead * Math.max(saveEveryMs, now - savedMs))
    savedMs = now
    await writer.save({ ...state(), horizonMs: next, ended })
    horizonMs = next
  }
  const saveAndWait = () => {
    saving = save(false)
      .catch((error: unknown) => log.error({ error }, 'cannot write the ledger'))
      .finally(() => {
        if (!stopped) timer = setTimeout(saveAndWait, saveEveryMs)
      })
  }
  return {
    get horizonMs() {
      return horizonMs
    },
    async start() {
      await save(false)
      timer = setTimeout(saveAndWait, saveEveryMs)
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await saving
      await save(true)
    },
  }
}
