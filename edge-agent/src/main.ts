import { fstatSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createLogger, fileClock, loadConfig, runService, systemClock, UsageError } from '@millrace/pipeline'
import { startAgent } from './agent.ts'
import { agentConfigSchema } from './config.ts'
import { ServiceManager } from './service-manager.ts'

function configFile(): string {
  const { values } = parseArgs({ options: { config: { type: 'string' } }, strict: false })
  if (typeof values.config === 'string') return values.config
  const problem = {
    path: '--config',
    found: 'nothing',
    expected: 'a config file, such as edge-agent/agent.example.yaml',
  }
  throw new UsageError('the agent needs its config file', [problem])
}

/** systemd names the file behind standard error where that is its journal. */
function goesToJournal(): boolean {
  const { dev, ino } = fstatSync(process.stderr.fd)
  return process.env.JOURNAL_STREAM === `${dev}:${ino}`
}

await runService({
  name: 'agent',
  async start() {
    const config = await loadConfig(configFile(), agentConfigSchema)
    const journal = goesToJournal()
    const log = createLogger({ name: 'agent', level: config.log.level, pretty: process.stderr.isTTY, journal })
    const manager = new ServiceManager({ environment: process.env, pid: process.pid, log })
    const clock = config.clockFile === undefined ? systemClock : fileClock(config.clockFile)
    return await startAgent({ config, clock, log, manager })
  },
})
