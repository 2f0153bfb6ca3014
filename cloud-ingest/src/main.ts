import { parseArgs } from 'node:util'
import { createLogger, fileClock, loadConfig, runService, systemClock, UsageError } from '@millrace/pipeline'
import { configSchema } from './config.ts'
import { startIngest } from './pipeline.ts'

function configFile(): string {
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' } } })
    if (values.config !== undefined) return values.config
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), [], { cause })
  }
  throw new UsageError('which config file? --config FILE', [])
}

await runService({
  name: 'millrace-ingest',
  async start() {
    const config = await loadConfig(configFile(), configSchema)
    const log = createLogger({ name: 'ingest', level: config.log.level, pretty: process.stderr.isTTY })
    const clock = config.clockFile === undefined ? systemClock : fileClock(config.clockFile)
    return await startIngest(config, { clock, log })
  },
})
