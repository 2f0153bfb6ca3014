import { setTimeout as delay } from 'node:timers/promises'
import { randomOf } from '../../oracle/publish.ts'
import type { Scorecard } from '../../oracle/scorecard.ts'
import type { Claim, ClaimOptions } from '../claim.ts'
import { Killing } from '../kills.ts'
import { withStack } from '../with-stack.ts'

const hourMs = 3_600_000
const windowMs = 10_000
const speed = 10

interface Part {
  mosquitto: boolean
  influx: boolean
  kills: number
  killWithinMs: number
}

async function part({ mosquitto, influx, kills, killWithinMs }: Part, options: ClaimOptions): Promise<Scorecard> {
  const { say, seed } = options
  const bounds = { windowMs, mosquitto, influx, quickStarts: true, withinMs: killWithinMs + 300_000 }
  return await withStack({ ...options, ...bounds }, async (stack, signal) => {
    const oracle = stack.startOracle({ speed, rate: 20, devices: 6, begin: Date.now() - 20 * hourMs, seed })
    const killing = new Killing(stack, oracle, { kills, withinMs: killWithinMs, random: randomOf(seed), signal, say })
    const faults = await killing.run()
    oracle.calm()
    await delay(1_000)
    await oracle.finish()
    say('everything is acknowledged; the oracle recounts')
    const demands = { kills, repeats: kills / 4, late: kills / 2, doubled: kills / 2, amended: kills / 4 }
    return await oracle.check({ faults, demands, influx: stack.influxd?.url })
  })
}

/** Of everyone, on the stacks that the programs of this machine allow: with InfluxDB beside DuckDB, with Mosquitto between. */
export async function killsWith(
  programs: { influxd: boolean; mosquitto: boolean },
  options: ClaimOptions,
): Promise<Record<string, Scorecard>> {
  const [share, killWithinMs] = options.long ? [10, 2 * hourMs] : [1, 400_000]
  const own = {
    mosquitto: false,
    influx: programs.influxd,
    kills: (programs.mosquitto ? 120 : 200) * share,
    killWithinMs,
  }
  const stores = programs.influxd ? 'DuckDB and InfluxDB' : 'DuckDB'
  const scores = { [`own broker, ${stores}`]: await part(own, options) }
  if (!programs.mosquitto) return scores
  const foreign = { mosquitto: true, influx: false, kills: 80 * share, killWithinMs }
  return { ...scores, 'Mosquitto, DuckDB': await part(foreign, options) }
}

/** F1, F2, F3 and F32: whoever is killed, whenever, the rows are those of what was acknowledged. */
export const killNine: Claim = {
  name: 'kill-nine',
  says: 'kill -9 of agent, ingest and broker at random instants, one by one and together, loses nothing and counts nothing twice',
  needs: ['influxd', 'mosquitto'],
  run: (options) => killsWith({ influxd: true, mosquitto: true }, options),
}
