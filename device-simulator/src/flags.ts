import { checkConfig, loadConfig, UsageError } from '@millrace/pipeline'
import { perturbations } from './perturb/index.ts'
import { type Settings, settingsSchema } from './settings.ts'

export const usage = `millrace simulate: simulated devices, or a recording, published over MQTT

  --config FILE         settings in YAML, under the names of these flags in camelCase
  --url URL             the broker (mqtt://127.0.0.1:1883); also --username, --password-file, --ca, --cert, --key
  --iot-hub DIR         straight to an IoT Hub, a connection for each device, with the connection strings of that folder;
                        --register makes the devices first (with DIR/service.connection), writes those, and ends
  --fleet FILE          sites, devices and sensors in YAML (the built-in fleet)
  --seed N              the same seed gives the same stream (1)
  --devices N           that many devices, whatever the fleet file says
  --rate HZ             readings a second of every sensor
  --connections N       share that many connections (1)
  --history 6h          publish the past first
  --duration 1h         stop after that much event time
  --perturb late=0.01,duplicate=0.01   misbehave; all=0.01 for everything:
                        ${perturbations.map(({ name }) => name).join(', ')}
  --ledger DIR          keep what was sent and acknowledged
  --clock FILE          clock file of the stack; --clock-run speed=10 lets it run after the history
  --replay FILE --map MAP.yaml --at now|original
                        publish a recording; now: its last reading lies in this minute
  --recount --ledger DIR   print what was sent, as JSON lines
  --print               send nothing and print what a recording (--at original), or a fleet with --history and
                        --until 2026-01-05T12:00Z, would send, in the form of --recount
  --check               look at the settings alone: their problems as JSON, exit code 2 where there are any
  --log-level LEVEL     debug, info, warn, error or silent
`

const numeric = new Set(['seed', 'devices', 'rate', 'connections'])
const switches = new Set(['recount', 'help', 'check', 'print', 'register'])

export interface Invocation {
  task: 'run' | 'recount' | 'help' | 'check' | 'print' | 'register'
  settings: Settings
}

/** What the command line asks for; throws a UsageError with every problem. */
export async function readFlags(args: readonly string[]): Promise<Invocation> {
  const { config, recount, help, check, print, register, ...given } = flagsOf(args)
  const fromFile = typeof config === 'string' ? await loadConfig(config, settingsSchema) : {}
  const fromFlags = Object.fromEntries(
    Object.entries(given).map(([flag, value]) => [camel(flag), fromText(flag, value)]),
  )
  const settings = checkConfig({ ...fromFile, ...fromFlags }, settingsSchema, 'the command line')
  if (recount && settings.ledger === undefined) needed('--recount', 'ledger', 'the folder of the ledger')
  if (register && settings.iotHub === undefined) needed('--register', 'iot-hub', 'the folder with service.connection')
  const asked = { help, recount, register, check, print }
  const task = (['help', 'recount', 'register', 'check', 'print'] as const).find((name) => asked[name]) ?? 'run'
  return { task, settings }
}

function needed(flag: string, path: string, expected: string): never {
  throw new UsageError(`${flag} needs --${path} DIR`, [{ path, found: 'nothing', expected }])
}

/** Values by flag; a flag that no value follows is true. Unknown ones are kept, so that the schema can name the nearest. */
function flagsOf(args: readonly string[]): Record<string, string | true> {
  const found: Record<string, string | true> = {}
  const words: string[] = []
  for (let at = 0; at < args.length; at++) {
    const flag = /^--([a-z][a-z-]*)(?:=(.*))?$/s.exec(args[at]!)
    const next = args[at + 1]
    if (!flag) words.push(args[at]!)
    else if (flag[2] !== undefined) found[flag[1]!] = flag[2]
    else if (switches.has(flag[1]!) || next === undefined || next.startsWith('--')) found[flag[1]!] = true
    else found[flag[1]!] = args[++at]!
  }
  if (words.length === 0) return found
  const problems = words.map((word) => ({ path: 'arguments', found: word, expected: 'flags only, see --help' }))
  throw new UsageError('the command line has arguments that mean nothing', problems)
}

function fromText(flag: string, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (numeric.has(flag)) return value.trim() === '' ? value : Number.isNaN(Number(value)) ? value : Number(value)
  if (flag === 'perturb') return allOf(pairs(value))
  return flag === 'clock-run' ? pairs(value) : value
}

/** `a=1,b=2` */
function pairs(value: string): Record<string, unknown> {
  return Object.fromEntries(
    value.split(',').map((pair) => {
      const [name = '', amount] = pair.split('=')
      const number = amount === undefined || amount.trim() === '' ? Number.NaN : Number(amount)
      return [name.trim(), Number.isNaN(number) ? amount : number]
    }),
  )
}

function allOf({ all, ...named }: Record<string, unknown>): Record<string, unknown> {
  if (all === undefined) return named
  return { ...Object.fromEntries(perturbations.map(({ name }) => [name, all])), ...named }
}

function camel(flag: string): string {
  return flag.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase())
}
