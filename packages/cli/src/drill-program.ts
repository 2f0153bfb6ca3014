import type { Command } from 'commander'
import { type DrillFlags, defaultPerturb } from './drill/options.ts'
import { actNames } from './drill/plan.ts'

type Finish = (code: Promise<number>) => Promise<void>

const run = async (flags: DrillFlags) => await (await import('./commands/drill.ts')).runDrill(flags)

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

/** `millrace drill` */
export function addDrill(program: Command, finish: Finish): void {
  program
    .command('drill')
    .description(
      'break a stack of its own in every way, then recount every reading; exit code 1 unless nothing was lost',
    )
    .option('--duration <span>', 'how long it takes, about', '2m')
    .option('--acts <list>', `some of ${actNames.join(', ')} (all)`)
    .option('--seed <n>', 'the same seed gives the same readings, kills and order')
    .option('--devices <n>', 'how many simulated devices', '24')
    .option('--perturb <list>', 'how the devices misbehave throughout', defaultPerturb)
    .option('--http-port <port>', 'the page (any free one)', '0')
    .option(
      '--data-dir <dir>',
      'an empty or new folder for its data (a temporary one); with --on-running that of the stack',
    )
    .option('--keep', 'leave its data and logs where they are')
    .option('--on-running', 'on the stack that runs on the data folder (./data): never its disk; needs --yes')
    .option('--yes', 'yes, hurt the running stack')
    .option('--token-file <file>', 'token of the running stack')
    .option('--json', 'the scorecard as JSON, for programs; the story goes to standard error')
    .addHelpText(
      'after',
      examples(
        'millrace drill',
        'millrace drill --duration 10m --seed 7',
        'millrace drill --acts uplink,kills --keep',
        'millrace drill --json > scorecard.json',
        'millrace drill --on-running --yes',
      ),
    )
    .action((flags: DrillFlags) => finish(run(flags)))
}
