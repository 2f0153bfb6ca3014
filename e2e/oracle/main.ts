/**
 * The oracle: publishes readings of known identity, remembers every PUBACK as an obligation, recounts every window by
 * itself and compares what each store holds. It shares no code with what it judges, and is never killed.
 *
 *   node e2e/oracle/main.ts publish --url mqtt://127.0.0.1:1883 --folder DIR [--ingest http://127.0.0.1:8080] [--site oracle]
 *        [--devices 6] [--rate 20] [--speed 1] [--begin EPOCH_MS] [--window 60000] [--late 0.02] [--doubled 0.02] [--shuffled 0.02] [--seed 1]
 *   node e2e/oracle/main.ts check --folder DIR --ingest http://127.0.0.1:8080 [--stores duckdb] [--influx http://127.0.0.1:8086]
 *        [--demand kills=200,repeats=50] [--json]
 *
 * `publish` says what it does as lines of JSON, and reads `calm` (the last fault is over) and `finish` from standard
 * input; it ends when everything is acknowledged. `check` ends with exit code 1 on any difference, and when the run was
 * gentler than demanded.
 */
import { parseArgs } from 'node:util'
import { check } from './check.ts'
import { publish } from './publish.ts'
import { type Demands, scorecardText } from './scorecard.ts'

const text = (value: string) => ({ type: 'string', default: value }) as const
const given = { type: 'string' } as const
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ url: given, folder: given, ingest: given, site: text('oracle'), devices: text('6'), rate: text('20') },
    ...{ speed: text('1'), begin: given, window: text('60000'), seed: text('1') },
    ...{ late: text('0.02'), doubled: text('0.02'), shuffled: text('0.02') },
    ...{ stores: text('duckdb'), influx: given, database: text('telemetry'), demand: text('') },
    ...{ patience: text('60'), within: text('300'), json: { type: 'boolean', default: false } },
  },
})

function need(name: 'url' | 'folder' | 'ingest'): string {
  const value = flags[name]
  if (value !== undefined) return value
  process.stderr.write(`oracle: --${name} is missing; the head of ${import.meta.filename} tells what there is\n`)
  return process.exit(2)
}

const list = (value: string) => value.split(',').filter(Boolean)
const demands = () =>
  Object.fromEntries(list(flags.demand).map((one) => [one.split('=')[0], Number(one.split('=')[1])]))

async function runPublish(): Promise<void> {
  await publish({
    ...{ url: need('url'), folder: need('folder'), ingest: flags.ingest, site: flags.site },
    ...{ devices: Number(flags.devices), rateHz: Number(flags.rate), speed: Number(flags.speed) },
    beginMs: flags.begin === undefined ? Date.now() : Number(flags.begin),
    ...{ windowMs: Number(flags.window), seed: Number(flags.seed) },
    ...{ late: Number(flags.late), doubled: Number(flags.doubled), shuffled: Number(flags.shuffled) },
    say: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
  })
  process.exit(0)
}

async function runCheck(): Promise<void> {
  const card = await check({
    ...{ folder: need('folder'), ingest: need('ingest'), stores: list(flags.stores), demands: demands() as Demands },
    influx: flags.influx === undefined ? undefined : { url: flags.influx, database: flags.database },
    ...{ patienceMs: Number(flags.patience) * 1000, withinMs: Number(flags.within) * 1000 },
  })
  process.stdout.write(flags.json ? `${JSON.stringify(card)}\n` : scorecardText(card))
  process.exitCode = card.ok ? 0 : 1
}

if (positionals[0] === 'publish') await runPublish()
else if (positionals[0] === 'check') await runCheck()
else {
  process.stderr.write('oracle: say publish or check\n')
  process.exitCode = 2
}
