import type { Command } from 'commander'
import type { ExplainFlags } from './commands/explain.ts'

type Finish = (code: Promise<number>) => Promise<void>

/** Loaded when asked for. */
const run = async (series: string, minute: string, flags: ExplainFlags) =>
  await (await import('./commands/explain.ts')).runExplain(series, minute, flags)

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

/** Flags that say where agent and ingest are. */
export function addressFlags(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'data folder of the stack', './data')
    .option('--url <url>', 'the ingest (from the data folder, else http://127.0.0.1:8080)')
    .option('--agent-url <url>', 'the agent (from the data folder, else http://127.0.0.1:8081)')
    .option('--token-file <file>', 'token for both')
    .option('--agent-token-file <file>', "the agent's token, where it has one of its own")
}

/** `millrace explain SERIES MINUTE` */
export function addExplain(program: Command, finish: Finish): void {
  const command = program
    .command('explain')
    .description(
      'where a window of a series is and how it came there: numbers, late, doubled and set aside readings, messages, stores',
    )
    .argument('<series>', 'site/device/metric')
    .argument('<minute>', 'a moment in the window: HH:MM of today UTC, ISO 8601, or epoch ms')
  addressFlags(command)
    .option('--json', 'the result as JSON, for programs')
    .addHelpText(
      'after',
      `${examples(
        'millrace explain local/hall-1/temperature 14:05',
        'millrace explain local/hall-1/temperature 2026-11-20T14:05Z --json',
        'millrace explain plant/pump/pressure 14:05 --url http://ingest:8080 --agent-url http://pi:8081 --token-file token',
      )}\nExit codes: 0 something is known, 1 nothing is, 2 wrong usage, 3 who might know was not reached.\n`,
    )
    .action((series: string, minute: string, flags: ExplainFlags) => finish(run(series, minute, flags)))
}
