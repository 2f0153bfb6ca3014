import { describeError, exitCodeOf } from '@millrace/pipeline'
import { CommanderError } from 'commander'
import { createProgram, knownHelp } from './program.ts'

const wrongUsage = 2

/** commander has printed its own message by then; help and version end with 0. */
function codeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : wrongUsage
  process.stderr.write(`millrace: ${describeError(error)}\n`)
  return exitCodeOf(error)
}

let exitCode = 0
const program = createProgram(async (code) => {
  exitCode = await code
})
try {
  await program.parseAsync(knownHelp(program, process.argv.slice(2)), { from: 'user' })
} catch (error) {
  exitCode = codeOf(error)
}
// What goes to a pipe is written later, and an exit would cut it off.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
process.exit(exitCode)
