import { type Problem, parseDuration, UsageError } from '@millrace/pipeline'
import { type ActName, actNames } from './plan.ts'

/** Flags of `millrace drill` as they are typed. */
export interface DrillFlags {
  duration: string
  seed?: string
  acts?: string
  devices: string
  perturb: string
  dataDir?: string
  keep?: boolean
  httpPort: string
  json?: boolean
  onRunning?: boolean
  yes?: boolean
  tokenFile?: string
}

export interface DrillOptions {
  durationMs: number
  seed: number
  acts: ActName[]
  devices: number
  perturb: string
  dataDir: string
  keep: boolean
  httpPort: number
  json: boolean
}

export const defaultPerturb =
  'late=0.02,out-of-order=0.02,duplicate=0.03,malformed=0.002,dropout=0.002,silent-reboot=0.0005,reboot=0.0005'
const shortestMs = 20_000
const longestMs = 3_600_000

class Reader {
  readonly problems: Problem[] = []

  wrong(path: string, found: string, expected: string): void {
    this.problems.push({ path, found, expected })
  }

  duration(text: string): number {
    const ms = parseDuration(text) ?? 0
    if (ms < shortestMs || ms > longestMs) this.wrong('--duration', text, 'a duration from 20s to 1h')
    return ms
  }

  whole(flag: string, text: string, most: number): number {
    if (!/^\d+$/.test(text) || Number(text) > most) this.wrong(flag, text, `a whole number up to ${most}`)
    return Number(text)
  }

  acts(text: string | undefined): ActName[] {
    if (text === undefined) return [...actNames]
    const names = text.split(',').map((name) => name.trim())
    for (const name of names)
      if (!actNames.includes(name as ActName)) this.wrong('--acts', name, `some of ${actNames.join(', ')}`)
    return actNames.filter((name) => names.includes(name))
  }
}

/** Checks the flags; throws a UsageError with every problem. */
export function readDrillOptions(flags: DrillFlags, dataDir: string): DrillOptions {
  const reader = new Reader()
  const options = {
    durationMs: reader.duration(flags.duration),
    seed: flags.seed === undefined ? Math.floor(Math.random() * 1e6) : reader.whole('--seed', flags.seed, 2 ** 32 - 1),
    acts: reader.acts(flags.acts),
    httpPort: reader.whole('--http-port', flags.httpPort, 65_535),
    devices: reader.whole('--devices', flags.devices, 1_000),
    ...{ perturb: flags.perturb, dataDir, keep: flags.keep ?? false, json: flags.json ?? false },
  }
  if (reader.problems.length > 0) throw new UsageError('millrace drill cannot start like this', reader.problems)
  return options
}
