import { parseArgs } from 'node:util'
import {
  createLogger,
  fileClock,
  loadConfig,
  type Running,
  runService,
  systemClock,
  UsageError,
} from '@millrace/pipeline'
import { configSchema } from './config.ts'
import { startIngest } from './pipeline.ts'
import { backUpStopped, restoreStopped } from './stopped.ts'

const options = { config: { type: 'string' }, backup: { type: 'string' }, restore: { type: 'string' } } as const

function readFlags() {
  try {
    const { values } = parseArgs({ options: { ...options, store: { type: 'string' } } })
    if (values.config !== undefined) return { ...values, config: values.config }
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), [], { cause })
  }
  throw new UsageError('which config file? --config FILE', [])
}

/** Work with an end, instead of the service. */
const once = (work: Promise<unknown>): Running => ({ ended: work, stop: async () => undefined })

await runService({
  name: 'millrace-ingest',
  async start() {
    const flags = readFlags()
    const config = await loadConfig(flags.config, configSchema)
    const log = createLogger({ name: 'ingest', level: config.log.level, pretty: process.stderr.isTTY })
    const clock = config.clockFile === undefined ? systemClock : fileClock(config.clockFile)
    if (flags.backup !== undefined)
      return once(backUpStopped(config, { clock, log, file: flags.backup, store: flags.store }))
    if (flags.restore !== undefined) return once(restoreStopped(config, { clock, log, file: flags.restore }))
    return await startIngest(config, { clock, log })
  },
})
