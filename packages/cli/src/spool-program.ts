import type { Command } from 'commander'
import type { LetterFlags } from './commands/dead-letters.ts'
import type { InspectFlags } from './commands/spool-inspect.ts'
import { addressFlags } from './explain-program.ts'

type Finish = (code: Promise<number>) => Promise<void>

const letters = async () => await import('./commands/dead-letters.ts')
const inspect = async (folder: string | undefined, flags: InspectFlags) =>
  await (await import('./commands/spool-inspect.ts')).runSpoolInspect(folder, flags)
const list = async (flags: LetterFlags) => await (await letters()).runLettersList(flags)
const show = async (reason: string, nth: string | undefined, flags: LetterFlags) =>
  await (await letters()).runLettersShow(reason, nth, flags)
const replay = async (reason: string, nth: string | undefined, flags: LetterFlags) =>
  await (await letters()).runLettersReplay(reason, nth, flags)

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

/** `millrace spool inspect` */
export function addSpool(program: Command, finish: Finish): void {
  program
    .command('spool')
    .description('look into the spool of an agent or an ingest')
    .command('inspect')
    .description('what a spool holds, also beside a running service or of a damaged copy; changes no byte of it')
    .argument('[folder]', 'folder of a spool, of a service or of a stack (the data folder)')
    .option('--data-dir <dir>', 'data folder of the stack', './data')
    .option('--json', 'the result as JSON, for programs')
    .addHelpText('after', examples('millrace spool inspect', 'millrace spool inspect /mnt/card/millrace --json'))
    .action((folder: string | undefined, flags: InspectFlags) => finish(inspect(folder, flags)))
}

function addOne(parent: Command, name: string): Command {
  return addressFlags(parent.command(name))
    .option('--at <service>', 'agent or ingest', 'agent')
    .option('--json', 'the result as JSON, for programs')
}

/** `millrace dead-letters ...` */
export function addDeadLetters(program: Command, finish: Finish): void {
  const parent = program.command('dead-letters').description('what was set aside, and taking it anew')
  addressFlags(parent.command('list'))
    .description('letters of agent and ingest by reason')
    .option('--json', 'the result as JSON, for programs')
    .addHelpText('after', examples('millrace dead-letters list'))
    .action((flags: LetterFlags) => finish(list(flags)))
  addOne(parent, 'show')
    .description('one letter with its body: the newest of a reason, or the one at a place')
    .argument('<reason>')
    .argument('[nth]')
    .addHelpText(
      'after',
      examples('millrace dead-letters show bad-json', 'millrace dead-letters show bad-body 2 --at ingest'),
    )
    .action((reason: string, nth: string | undefined, flags: LetterFlags) => finish(show(reason, nth, flags)))
  addOne(parent, 'replay')
    .description('takes a letter as if it arrived now, once its cause is mended')
    .argument('<reason>')
    .argument('[nth]')
    .option('--all', 'every one that is kept of the reason')
    .addHelpText(
      'after',
      examples('millrace dead-letters replay bad-topic 3', 'millrace dead-letters replay future --all'),
    )
    .action((reason: string, nth: string | undefined, flags: LetterFlags) => finish(replay(reason, nth, flags)))
}
