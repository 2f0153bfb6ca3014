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
import { agentConfigSchema } from './config.ts'
import { inspectSpool } from './inspect-spool.ts'
import { startAgent } from './lives.ts'
import { measureCommand } from './measure-command.ts'
import { ServiceManager } from './service-manager.ts'
import { tryCommand } from './try-command.ts'

const options = {
  config: { type: 'string' },
  'try-topic': { type: 'string' },
  'try-payload': { type: 'string' },
  'try-retained': { type: 'boolean' },
  json: { type: 'boolean' },
  measure: { type: 'boolean' },
  'inspect-spool': { type: 'string' },
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

/** Prints what a task comes to that starts nothing. */
async function print(task: () => Promise<{ text: string; code: number }>): Promise<number> {
  try {
    const { text, code } = await task()
    // What goes to a pipe is written later, and an exit would cut it off.
    await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()))
    return code
  } catch (error) {
    process.stderr.write(`millrace: ${describeError(error)}\n`)
    return exitCodeOf(error)
  }
}

/** Shows what a message would become. */
function tryOne(topic: string) {
  const flags = { topic, payload: text('try-payload'), config: text('config') }
  const retained = values['try-retained'] === true
  return tryCommand({ ...flags, retained, json: values.json === true }, process.stdin)
}

const topic = text('try-topic')
if (topic !== undefined) process.exit(await print(() => tryOne(topic)))
const inspected = text('inspect-spool')
if (inspected !== undefined) {
  process.exit(await print(async () => ({ text: `${JSON.stringify(await inspectSpool(inspected))}\n`, code: 0 })))
}
if (values.measure === true) {
  process.exit(await print(async () => ({ text: await measureCommand(configFile(), process.stdin), code: 0 })))
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
