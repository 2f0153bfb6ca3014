import { Command } from 'commander'
import type { App } from './apps.ts'
import { type BackupFlags, runBackup } from './commands/backup.ts'
import { type BrokerFlags, runBroker } from './commands/broker.ts'
import { type RestoreFlags, runRestore } from './commands/restore.ts'
import { runVerify, type VerifyFlags } from './commands/verify.ts'
import { addDrill } from './drill-program.ts'
import { addExplain } from './explain-program.ts'
import { addHub } from './hub-program.ts'
import { addPlan } from './plan-program.ts'
import { addRules } from './rules-program.ts'
import { runApp } from './run-app.ts'
import { addDeadLetters, addSpool } from './spool-program.ts'
import { readUpOptions, type UpFlags } from './up/options.ts'
import { simulatorProblems } from './up/simulator-problems.ts'
import { up } from './up/up.ts'

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

type Finish = (code: Promise<number>) => Promise<void>

function addUp(program: Command, finish: Finish): void {
  program
    .command('up')
    .description('run everything on this machine: fleet, agent, broker, ingest and the page')
    .option('--devices <n>', 'how many simulated devices')
    .option('--rate <hz>', 'readings per second of every sensor')
    .option('--window <length>', 'length of a window of event time; at most 30m, it divides one hour', '1m')
    .option('--seed <n>', 'the same seed gives the same readings')
    .option('--speed <x>', 'event time runs x times as fast, until it meets the wall clock')
    .option('--history <span>', 'publish this much of the past first (6h for the live fleet)')
    .option('--http-port <port>', 'the page and the HTTP API', '8080')
    .option('--mqtt-port <port>', "the devices' broker", '1883')
    .option('--agent-port <port>', "the agent's HTTP", '8081')
    .option('--cloud-mqtt-port <port>', 'the local cloud broker (1884), or the hub for devices (8883)')
    .option('--via <way>', 'agent to ingest: mqtt or a local iot-hub; iot-hub-direct: devices to agent', 'mqtt')
    .option('--token-life <span>', "of the agent's tokens for the hub: 30s to 24h (1h)")
    .option('--data-dir <dir>', 'where everything is kept', './data')
    .option('--replay <file>', 'publish a recording instead of the fleet')
    .option('--map <file>', 'how to read the recording')
    .option('--at <when>', 'event times of the recording: now or original')
    .option('--duration <span>', 'end by itself after this much event time, with all of it stored')
    .option('--perturb <list>', 'late=0.01,duplicate=0.01,... makes the devices misbehave')
    .option('--influx <url>', 'write to this InfluxDB too, beside the embedded store')
    .option('--store <type>', 'duckdb, or influxdb for the one of --influx alone', 'duckdb')
    .option('--rules <dir>', 'folder of alert rules (alert-rules of this project)')
    .option('--no-rules', 'watch nothing')
    .option('--no-keys', 'plain log lines and no keys, also at a terminal')
    .addHelpText(
      'after',
      examples(
        'millrace up',
        'millrace up --devices 200 --rate 1',
        'millrace up --speed 60 --duration 1h --seed 7 --perturb late=0.02,duplicate=0.02',
        'millrace up --store influxdb --influx http://127.0.0.1:8086',
        'millrace up --via iot-hub',
        'millrace up --replay readings.csv --map readings.yaml --at original',
      ),
    )
    .action(async (flags: UpFlags) => await finish(up(readUpOptions(flags, await simulatorProblems(flags)))))
}

interface PassedOn {
  name: string
  app: App
  description: string
  examples: string[]
  /** It tells its many flags itself; of the others they are told here. */
  ownHelp?: boolean
  flags?: [flag: string, meaning: string][]
}

/** Services read their own flags, so that there is one list of them; what follows the name goes to them as it is. */
const services: PassedOn[] = [
  {
    name: 'simulate',
    app: 'simulator',
    ownHelp: true,
    description: 'publish a fleet of simulated devices, or a recording, and keep a ledger of it',
    examples: [
      'millrace simulate --devices 20 --ledger ./ledger',
      'millrace simulate --config simulator.yaml',
      'millrace simulate --replay readings.csv --map readings.yaml --at now --ledger ./ledger',
    ],
  },
  {
    name: 'agent',
    app: 'agent',
    description: 'run the edge agent, or show with --try-topic and --try-payload what a message would become',
    flags: [
      ['--config <file>', 'its settings; every one is in edge-agent/agent.example.yaml'],
      ['--try-topic <topic>', 'start nothing; show what a message there would become, or why it would not'],
      ['--try-payload <text>', 'its payload; - reads standard input'],
      ['--try-retained', 'the message is a retained one'],
      ['--json', 'what would become of it, for programs'],
      ['--measure', 'start nothing; what messages of `simulate --print` on standard input come to'],
      ['--inspect-spool <folder>', 'what a spool holds, as JSON; for people: millrace spool inspect'],
    ],
    examples: [
      'millrace agent --config agent.yaml',
      `millrace agent --config agent.yaml --try-topic zigbee2mqtt/attic --try-payload '{"temperature":21.4}'`,
      'mosquitto_sub -C 1 -t tele/plug/SENSOR | millrace agent --try-topic tele/plug/SENSOR --try-payload -',
    ],
  },
  {
    name: 'ingest',
    app: 'ingest',
    description: 'run the cloud ingest: stores, HTTP API and the page',
    flags: [
      ['--config <file>', 'its settings; every one is in cloud-ingest/ingest.example.yaml'],
      ['--inspect-spool <folder>', 'what a spool holds, as JSON; for people: millrace spool inspect'],
    ],
    examples: ['millrace ingest --config ingest.yaml'],
  },
]

function flagsText(flags: readonly [flag: string, meaning: string][]): string {
  const width = Math.max(...flags.map(([flag]) => flag.length))
  return [
    '',
    ...(flags.length > 0 ? ['Flags:'] : []),
    ...flags.map(([flag, meaning]) => `  ${flag.padEnd(width)}  ${meaning}`),
    '',
  ].join('\n')
}

const isHelp = (flag: string) => flag === '--help' || flag === '-h'

function addService(program: Command, service: PassedOn, finish: Finish): void {
  const command = program
    .command(service.name)
    .description(service.description)
    .argument('[flags...]', service.flags ? 'see below' : 'as the service understands them')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText('after', `${flagsText(service.flags ?? [])}${examples(...service.examples)}`)
    .action(async (flags: string[]) => {
      await finish(runApp(service.app, flags))
      if (flags.some(isHelp)) process.stdout.write(examples(...service.examples))
    })
  if (service.ownHelp) command.helpOption(false)
}

function addBroker(program: Command): void {
  program
    .command('broker')
    .description('run the plain local cloud broker between agents and ingest')
    .option('--host <address>', 'address to listen on; loopback only', '127.0.0.1')
    .option('--port <port>', 'port to listen on', '1884')
    .addHelpText('after', examples('millrace broker --port 1884'))
    .action(async (flags: BrokerFlags) => await runBroker(flags))
}

function addVerify(program: Command, finish: Finish): void {
  program
    .command('verify')
    .description('recount what was sent and acknowledged against what is stored; exit code 1 on any difference')
    .option('--data-dir <dir>', 'data folder of the stack', './data')
    .option('--ledger <dir>', 'ledger of the simulator, where it is not in the data folder')
    .option('--url <url>', 'the ingest (from the data folder, else http://127.0.0.1:8080)')
    .option('--agent-url <url>', 'the agent (from the data folder, else http://127.0.0.1:8081)')
    .option('--token-file <file>', 'token for both')
    .option('--agent-token-file <file>', "the agent's token, where it has one of its own")
    .option('--store <type>', 'which store to read: duckdb or influxdb')
    .option('--limit <span>', 'longest wait', '10m')
    .option('--wait', 'wait until nothing is open or on its way, then check every window')
    .option('--json', 'the result as JSON, for programs')
    .addHelpText(
      'after',
      examples('millrace verify', 'millrace verify --wait --json', 'millrace verify --store influxdb'),
    )
    .action((flags: VerifyFlags) => finish(runVerify(flags)))
}

function addBackup(program: Command, finish: Finish): void {
  program
    .command('backup')
    .description("write the ingest's spool and every row of one store to a file, while it runs or while it is stopped")
    .requiredOption('--to <dir>', 'folder for the backup')
    .option('--data-dir <dir>', 'data folder of the stack', './data')
    .option('--config <file>', 'config file of the ingest, where it is not in the data folder')
    .option('--url <url>', 'the running ingest, whatever its folder (else the one on the data folder)')
    .option('--token-file <file>', 'its token')
    .option('--store <type>', 'which store: duckdb or influxdb; the first one unless named')
    .addHelpText('after', examples('millrace backup --to ./backups', 'millrace backup --to ./backups --store influxdb'))
    .action((flags: BackupFlags) => finish(runBackup(flags)))
  program
    .command('restore')
    .description('bring a backup back into empty stores and an empty data folder; the ingest must be stopped')
    .requiredOption('--from <path>', 'a backup, or a folder with backups, of which the newest is taken')
    .option('--data-dir <dir>', 'data folder of the stack', './data')
    .option('--config <file>', 'config file of the ingest, where it is not in the data folder')
    .addHelpText('after', examples('millrace restore --from ./backups'))
    .action((flags: RestoreFlags) => finish(runRestore(flags)))
}

/** Help with a command that there is not would be help with everything, and end with 0. */
export function knownHelp(program: Command, args: readonly string[]): string[] {
  const name = args.find((arg) => !arg.startsWith('-'))
  const isKnown = name === undefined || name === 'help' || program.commands.some((command) => command.name() === name)
  return isKnown ? [...args] : args.filter((arg) => !isHelp(arg))
}

/** The commands; `finish` is told the exit code of the one that ran. */
export function createProgram(finish: Finish): Command {
  const program = new Command('millrace')
    .description('Sensor readings from devices to dashboards, every one accounted for.')
    .version('0.1.0')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', examples('millrace up', 'millrace verify', 'millrace up --help'))
  addUp(program, finish)
  for (const service of services) addService(program, service, finish)
  addBroker(program)
  addHub(program)
  addVerify(program, finish)
  addExplain(program, finish)
  addSpool(program, finish)
  addDeadLetters(program, finish)
  addDrill(program, finish)
  addBackup(program, finish)
  addRules(program, finish)
  addPlan(program, finish)
  return program
}
