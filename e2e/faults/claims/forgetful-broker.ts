import { setTimeout as delay } from 'node:timers/promises'
import { randomOf } from '../../oracle/publish.ts'
import type { Claim } from '../claim.ts'
import { startForgetfulBroker } from '../forgetful-broker.ts'
import { withStack } from '../with-stack.ts'

const windowMs = 10_000
const share = 0.5

/**
 * A foreign broker between agent and ingest keeps nothing it acknowledged, and loses receipts too. Between a device and
 * the agent such a broker is outside the promise: nobody but the device could know what it lost.
 */
export const forgetfulBroker: Claim = {
  name: 'forgetful-broker',
  says: 'a broker between agent and ingest that acknowledges and forgets loses nothing: only a receipt frees what the agent holds',
  needs: [],
  async run({ long, seed, signal, say }) {
    const turns = long ? 60 : 4
    const random = randomOf(seed)
    const broker = await startForgetfulBroker(share, random)
    const options = { windowMs, cloudMqttPort: broker.port, signal, say, withinMs: 300_000 + turns * 5_000 }
    try {
      const card = await withStack(options, async (stack, ending) => {
        const oracle = stack.startOracle({ speed: 10, rate: 20, devices: 6, begin: Date.now() - 6 * 3_600_000, seed })
        for (let turn = 0; turn < turns && !ending.aborted; turn++) {
          await delay(4_000)
          await broker.restart()
          say(`the broker has forgotten ${broker.forgotten} messages, and now everything`)
        }
        broker.remember()
        oracle.calm()
        await oracle.finish()
        say('everything is acknowledged; the oracle recounts')
        const others = { 'messages acknowledged and forgotten': broker.forgotten, 'restarts of the broker': turns }
        if (broker.forgotten < turns) throw new Error(`too gentle: ${broker.forgotten} messages were forgotten`)
        const faults = { kills: [], recoveriesMs: {}, others }
        return await oracle.check({ faults, demands: { late: turns * 5, acked: turns * 100 }, patienceSeconds: 100 })
      })
      return { 'a broker that forgets every other message': card }
    } finally {
      await broker.close()
    }
  },
}
