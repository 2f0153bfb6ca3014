import { parseArgs } from 'node:util'
import {
  createLogger,
  describeError,
  exitCodeOf,
  fileClock,
  loadConfig,
  type Running,
  runService,
  systemClock,
  UsageError,
} from '@millrace/pipeline'
import { configSchema } from './config.ts'
import { startIngest } from './pipeline.ts'
import { inspectSpool } from './spool/inspect.ts'
import { backUpStopped, restoreStopped } from './stopped.ts'

const inspectOption = { 'inspect-spool': { type: 'string' } } as const
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

/** Prints what a spool holds; starts nothing, changes nothing. */
async function inspect(folder: string): Promise<number> {
  try {
    const text = `${JSON.stringify(await inspectSpool(folder))}\n`
    // What goes to a pipe is written later, and an exit would cut it off.
    await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()))
    return 0
  } catch (error) {
    process.stderr.write(`millrace: ${describeError(error)}\n`)
    return exitCodeOf(error)
  }
}

const inspected = parseArgs({ options: inspectOption, strict: false }).values['inspect-spool']
if (typeof inspected === 'string') process.exit(await inspect(inspected))
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
