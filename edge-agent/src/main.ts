import { fstatSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  createLogger,
  describeError,
  exitCodeOf,
  fileClock,
  loadConfig,
  runService,
  systemClock,
  UsageError,
} from '@millrace/pipeline'
import { startAgent } from './agent.ts'
import { agentConfigSchema } from './config.ts'
import { ServiceManager } from './service-manager.ts'
import { tryCommand } from './try-command.ts'

const options = {
  config: { type: 'string' },
  'try-topic': { type: 'string' },
  'try-payload': { type: 'string' },
  'try-retained': { type: 'boolean' },
  json: { type: 'boolean' },
} as const
// Others are refused by nobody, as ever: a service manager may add its own.
const { values } = parseArgs({ options, strict: false })
const text = (name: keyof typeof options) => {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

function configFile(): string {
  const file = text('config')
  if (file !== undefined) return file
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

/** Shows what a message would become, and starts nothing. */
async function tryOne(topic: string): Promise<number> {
  try {
    const flags = { topic, payload: text('try-payload'), config: text('config') }
    const retained = values['try-retained'] === true
    const tried = await tryCommand({ ...flags, retained, json: values.json === true }, process.stdin)
    // What goes to a pipe is written later, and an exit would cut it off.
    await new Promise<void>((resolve) => process.stdout.write(tried.text, () => resolve()))
    return tried.code
  } catch (error) {
    process.stderr.write(`millrace: ${describeError(error)}\n`)
    return exitCodeOf(error)
  }
}

const topic = text('try-topic')
if (topic !== undefined) process.exit(await tryOne(topic))
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
