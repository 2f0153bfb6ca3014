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

/** F1, F2, F3 and F32: whoever is killed, whenever, the rows are those of what was acknowledged. */
export const killNine: Claim = {
  name: 'kill-nine',
  says: 'kill -9 of agent, ingest and broker at random instants, one by one and together, loses nothing and counts nothing twice',
  needs: ['influxd', 'mosquitto'],
  async run(options) {
    const [share, killWithinMs] = options.long ? [10, 2 * hourMs] : [1, 400_000]
    return {
      'own broker, DuckDB and InfluxDB': await part(
        { mosquitto: false, influx: true, kills: 120 * share, killWithinMs },
        options,
      ),
      'Mosquitto, DuckDB': await part({ mosquitto: true, influx: false, kills: 80 * share, killWithinMs }, options),
    }
  },
}
