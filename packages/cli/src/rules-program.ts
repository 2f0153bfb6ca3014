import type { Command } from 'commander'
import type { CheckFlags } from './commands/rules-check.ts'
import type { GrafanaFlags } from './commands/rules-grafana.ts'
import type { BacktestFlags, TestFlags } from './commands/rules-past.ts'

type Finish = (code: Promise<number>) => Promise<void>

/** Loaded when asked for: the other commands start without windows and rules. */
const check = async (folder: string, flags: CheckFlags) =>
  await (await import('./commands/rules-check.ts')).runRulesCheck(folder, flags)
const test = async (folder: string, flags: TestFlags) =>
  await (await import('./commands/rules-past.ts')).runRulesTest(folder, flags)
const backtest = async (folder: string, flags: BacktestFlags) =>
  await (await import('./commands/rules-past.ts')).runRulesBacktest(folder, flags)
const grafana = async (folder: string, flags: GrafanaFlags) =>
  await (await import('./commands/rules-grafana.ts')).runRulesGrafana(folder, flags)

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

const defaultFolder = './alert-rules'

/** Flags that trying rules on any past has. */
function pastCommand(rules: Command, name: string): Command {
  return rules
    .command(name)
    .argument('[folder]', 'folder of the rules', defaultFolder)
    .option('--window <length>', 'length of a window', '1m')
    .option('--diff <folder>', 'also say what other rules would make of it, and what that changes')
    .option('--expect <file>', 'exit code 1 unless exactly the alerts of this file come')
    .option('--save-expected <file>', 'write the alerts that came into a new file for --expect')
    .option('--json', 'the result as JSON, for programs')
}

function addCheck(rules: Command, finish: Finish): void {
  rules
    .command('check')
    .description('every problem of a folder of rules at once; rules that can never fire; recordings of deviation rules')
    .argument('[folder]', 'folder of the rules', defaultFolder)
    .option('--window <length>', 'length of a window', '1m')
    .option('--url <url>', 'a running ingest: every rule must select some of its series')
    .option('--token-file <file>', 'its token')
    .option('--data-dir <dir>', 'data folder of the stack', './data')
    .option('--json', 'the result as JSON, for programs')
    .addHelpText('after', examples('millrace rules check', 'millrace rules check --url http://127.0.0.1:8080'))
    .action((folder: string, flags: CheckFlags) => finish(check(folder, flags)))
}

function addTest(rules: Command, finish: Finish): void {
  pastCommand(rules, 'test')
    .description('what the rules would have made of a recording, or of the past of a simulated fleet')
    .requiredOption('--on <file>', 'a recording, a fleet file, or lines of `millrace simulate --print`')
    .option('--map <file>', 'how to read a recording')
    .option('--history <span>', 'of a fleet: how much of its past (24h)')
    .option('--until <time>', 'of a fleet: where its past ends')
    .option('--seed <n>', 'of a fleet: its seed')
    .option('--perturb <list>', 'of a fleet: late=0.01,dropout=0.01,... makes its devices misbehave')
    .addHelpText(
      'after',
      examples(
        'millrace rules test --on readings.csv --map readings.yaml',
        'millrace rules test --on device-simulator/fleets/default.yaml --history 6h',
        'millrace rules test --on readings.csv --map readings.yaml --diff ./new-rules',
      ),
    )
    .action((folder: string, flags: TestFlags) => finish(test(folder, flags)))
}

function addBacktest(rules: Command, finish: Finish): void {
  pastCommand(rules, 'backtest')
    .description('what the rules would have made of what is stored')
    .requiredOption('--from <time>', 'a time, or a length before now such as -24h')
    .option('--to <time>', 'the same, or now', 'now')
    .option('--url <url>', 'the ingest (from the data folder, else http://127.0.0.1:8080)')
    .option('--token-file <file>', 'its token')
    .option('--data-dir <dir>', 'data folder of the stack', './data')
    .option('--store <type>', 'which store to read: duckdb or influxdb')
    .addHelpText(
      'after',
      examples('millrace rules backtest --from -24h', 'millrace rules backtest --from -7d --diff ./new-rules'),
    )
    .action((folder: string, flags: BacktestFlags) => finish(backtest(folder, flags)))
}

function addGrafana(rules: Command, finish: Finish): void {
  rules
    .command('grafana')
    .description("write the rules with `at: grafana` as files of Grafana's provisioning")
    .argument('[folder]', 'folder of the rules', defaultFolder)
    .requiredOption('--out <dir>', 'the folder provisioning/alerting of Grafana')
    .option('--window <length>', 'length of a window', '1m')
    .option('--source <uid>', 'uid of the InfluxDB data source', 'millrace-influxdb')
    .option('--folder <title>', 'folder of the rules in Grafana', 'Millrace rules')
    .addHelpText('after', examples('millrace rules grafana --out dashboards/grafana/provisioning/alerting'))
    .action((folder: string, flags: GrafanaFlags) => finish(grafana(folder, flags)))
}

/** `millrace rules ...` */
export function addRules(program: Command, finish: Finish): void {
  const rules = program.command('rules').description('check alert rules, and try them on the past')
  addCheck(rules, finish)
  addTest(rules, finish)
  addBacktest(rules, finish)
  addGrafana(rules, finish)
}
