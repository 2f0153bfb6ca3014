import { createLogger, describeError, exitCodeOf, runService, UsageError } from '@millrace/pipeline'
import { readFlags, usage } from './flags.ts'
import { printExpected } from './print-expected.ts'
import { printRecount } from './print-recount.ts'
import { registerDevices, startFleet } from './start-fleet.ts'
import { startReplay } from './start-replay.ts'

const { task, settings } = await readFlags(process.argv.slice(2)).catch((error: unknown) => {
  if (process.argv.includes('--check') && error instanceof UsageError)
    process.stdout.write(`${JSON.stringify(error.problems)}\n`)
  else process.stderr.write(`simulate: ${describeError(error)}\n`)
  process.exit(exitCodeOf(error))
})
const log = createLogger({ name: 'simulate', level: settings.logLevel, pretty: process.stderr.isTTY })
// A reader that went away must not end the run: the ledger is what counts.
process.stdout.on('error', () => undefined)
const terminal = process.stdout.isTTY
const print = (line: string) => process.stdout.write(terminal ? `\r\x1b[K${line}` : `${line}\n`)

if (task === 'help') process.stdout.write(usage)
else if (task === 'check') process.stdout.write('[]\n')
else if (task === 'recount' || task === 'print' || task === 'register') {
  const tasks = {
    print: () => printExpected(settings, process),
    recount: () => printRecount(settings.ledger!, process.stdout),
    register: async () => {
      process.stdout.write(await registerDevices(settings))
      return 0
    },
  }
  process.exitCode = await tasks[task]().catch((error: unknown) => {
    process.stderr.write(`simulate: ${describeError(error)}\n`)
    return exitCodeOf(error)
  })
} else {
  const start = settings.replay === undefined ? startFleet : startReplay
  await runService({ name: 'simulate', start: () => start(settings, { log, print }) })
}
