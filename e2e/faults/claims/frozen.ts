import { setTimeout as delay } from 'node:timers/promises'
import { randomOf } from '../../oracle/publish.ts'
import type { Claim } from '../claim.ts'
import { withStack } from '../with-stack.ts'

const windowMs = 10_000
/** Longer than the silence that closes windows, and than connections take to be given up. */
const stillMs = 12_000

/** Beside the list: the system lets a process run no more for a while, as where it swaps or a machine sleeps. */
export const frozen: Claim = {
  name: 'frozen',
  says: 'agent, ingest and broker that stand still for a while (SIGSTOP), alone and together, go on and lose nothing',
  needs: [],
  async run({ long, seed, signal, say }) {
    const turns = long ? 60 : 2
    const bounds = { signal, say, withinMs: 300_000 + turns * 30_000 }
    const card = await withStack({ windowMs, ...bounds }, async (stack, ending) => {
      const random = randomOf(seed)
      const oracle = stack.startOracle({ speed: 10, rate: 20, devices: 6, begin: Date.now() - 6 * 3_600_000, seed })
      const all = [stack.agent, stack.ingest, stack.broker!]
      for (let turn = 0; turn < turns && !ending.aborted; turn++) {
        await delay(2_000 + random() * 2_000)
        const who = turn % 4 === 0 ? all : [all[(turn % 4) - 1]!]
        for (const service of who) service.freeze()
        await delay(stillMs)
        for (const service of who) service.thaw()
        say(`${who.map(({ name }) => name).join(', ')} stood still`)
      }
      oracle.calm()
      await oracle.finish()
      say('everything is acknowledged; the oracle recounts')
      const starts = all.reduce((sum, service) => sum + service.starts, 0)
      if (starts > all.length) throw new Error(`somebody was started again: ${starts} starts\n${stack.log}`)
      const faults = { kills: [], recoveriesMs: {}, others: { 'times that somebody stood still': turns } }
      return await oracle.check({ faults, demands: { acked: turns * 200, late: turns * 5, amended: turns } })
    })
    return { 'agent, ingest and broker': card }
  },
}
