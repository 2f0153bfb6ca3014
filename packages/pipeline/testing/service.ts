import { setTimeout as delay } from 'node:timers/promises'
import { createLogger, MillraceError, runService, UnreachableError, UsageError } from '../src/index.ts'

// A service whose behaviour is its argument; says what it does on standard output.
const say = (text: string) => process.stdout.write(`${text}\n`)
const keepAlive = setInterval(() => undefined, 1000)

const starts: Record<string, (signal: AbortSignal) => Promise<void>> = {
  usage: async () => {
    throw new UsageError('agent.yaml has one problem', [{ path: 'site', found: 'nothing', expected: 'a text' }])
  },
  unreachable: async () => {
    throw new UnreachableError('no InfluxDB at http://127.0.0.1:8086', { hint: 'Start it or change stores[0].url.' })
  },
  locked: async () => {
    throw new MillraceError('spool-locked', 'the spool is in use')
  },
  bug: async () => {
    throw new TypeError('a bug')
  },
  later: async () => {
    setTimeout(() => Promise.reject(new MillraceError('spool-failed', 'the disk failed')), 50)
  },
  chatty: async () => {
    const log = createLogger({ name: 'service' })
    setInterval(() => {
      say('still here')
      log.info({}, 'still here')
    }, 20)
  },
  waiting: async (signal) => await delay(60_000, undefined, { signal }).catch(() => Promise.reject(signal.reason)),
}

const stops: Record<string, () => Promise<void>> = {
  hanging: () => new Promise(() => undefined),
  slow: async () => await delay(300),
}

const behaviour = process.argv[2]!
await runService({
  name: 'service',
  stopWithinMs: 1500,
  start: async (signal) => {
    if (behaviour === 'waiting') say('starting')
    await starts[behaviour]?.(signal)
    say('started')
    return {
      stop: async () => {
        say('stopping')
        await stops[behaviour]?.()
        clearInterval(keepAlive)
        say('stopped')
      },
      ...(behaviour === 'done' ? { ended: delay(20) } : {}),
    }
  },
})
