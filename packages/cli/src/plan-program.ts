import type { Command } from 'commander'
import type { PlanFlags } from './commands/plan.ts'

type Finish = (code: Promise<number>) => Promise<void>

const run = async (flags: PlanFlags) => await (await import('./commands/plan.ts')).runPlan(flags)

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

/** `millrace plan` */
export function addPlan(program: Command, finish: Finish): void {
  program
    .command('plan')
    .description('what a fleet comes to: messages of an IoT Hub a day, bytes, disk, and the outage that is bridged')
    .option('--fleet <file>', 'fleet file (the built-in fleet)')
    .option('--config <file>', 'config file of the agent (one like that of `millrace up`)')
    .option('--devices <n>', 'that many devices, whatever the fleet file says')
    .option('--rate <hz>', 'readings per second of every sensor')
    .option('--seed <n>', 'of the fleet')
    .option('--window <length>', 'length of a window, without --config (1m)')
    .option('--sample <span>', 'how much of the fleet to measure (ten minutes, at least four windows)')
    .option('--tier <name>', 'exit code 1 unless it fits: F1, B1, B2, B3, S1, S2 or S3')
    .option('--units <n>', 'units of that tier (1)')
    .option('--json', 'the result as JSON, for programs')
    .addHelpText(
      'after',
      examples(
        'millrace plan',
        'millrace plan --devices 500 --rate 1 --tier S1 --units 1',
        'millrace plan --fleet fleet.yaml --config agent.yaml --json',
      ),
    )
    .action((flags: PlanFlags) => finish(run(flags)))
}
