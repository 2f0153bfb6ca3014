import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../../packages/pipeline/testing/index.ts'
import { randomOf } from '../../oracle/publish.ts'
import type { Claim } from '../claim.ts'
import type { OracleProcess } from '../oracle-process.ts'
import type { Service, Stopped } from '../service.ts'
import type { FaultStack } from '../stack.ts'
import { withStack } from '../with-stack.ts'

const windowMs = 1_800_000
const reachWithinMs = 30_000

interface Accounts {
  total: { held: number; closed: number }
}

/** One window, in the middle of which everything happens. */
function middleOfWindow(): number {
  return Date.now() - (Date.now() % windowMs) - 10 * windowMs + windowMs / 2
}

async function stopAtWork(
  stack: FaultStack,
  oracle: OracleProcess,
  { service, waitMs }: { service: Service; waitMs: number },
) {
  const works = () => service.name !== 'agent' || oracle.ackingSinceMs > service.startedAtMs
  await until(works, { withinMs: reachWithinMs, everyMs: 5, label: `work of the ${service.name}\n${stack.log}` })
  await delay(waitMs)
  const stopped = await service.stop()
  service.start()
  await stack.ready()
  return stopped
}

/** So that the one window closes at the end. */
function closeSoon(stack: FaultStack): void {
  const file = join(stack.folder, 'config', 'agent.yaml')
  const config = JSON.parse(readFileSync(file, 'utf8')) as { windows: object }
  writeFileSync(file, JSON.stringify({ ...config, windows: { ...config.windows, idle: '1s' } }))
}

/** F28. */
export const sigterm: Claim = {
  name: 'sigterm',
  says: 'SIGTERM under load ends agent and ingest cleanly; open windows are kept and never sent early',
  needs: [],
  async run({ long, seed, signal, say }) {
    const times = long ? 100 : 12
    const agent = { windows: { length: '30m', lateness: '1s', idle: '1h' } }
    const card = await withStack(
      { windowMs, agent, signal, say, withinMs: 600_000 + times * 10_000 },
      async (stack, ending) => {
        const random = randomOf(seed)
        const oracle = stack.startOracle({
          rate: 50,
          devices: 6,
          begin: middleOfWindow(),
          late: 0,
          doubled: 0.05,
          seed,
        })
        const ends: Stopped[] = []
        for (let time = 0; time < times && !ending.aborted; time++) {
          const service = time % 4 === 3 ? stack.ingest : stack.agent
          const stopped = await stopAtWork(stack, oracle, { service, waitMs: 60 + random() * 300 })
          if (stopped.code !== 0) throw new Error(`the ${service.name} ended with ${stopped.code}\n${stack.log}`)
          ends.push(stopped)
          const { total } = await stack.get<Accounts>('/api/accounts')
          if (total.held !== 0) throw new Error(`an open window was sent early: ${total.held} readings in rows`)
          say(
            `SIGTERM ${time + 1}: the ${service.name} was gone after ${Math.round(stopped.tookMs)} ms, nothing sent early`,
          )
        }
        oracle.calm()
        await oracle.finish()
        await stack.agent.stop()
        closeSoon(stack)
        stack.agent.start()
        const slowest = Math.max(...ends.map(({ tookMs }) => tookMs))
        const others = { 'ended by SIGTERM': ends.length, 'slowest end, ms': Math.round(slowest), 'partial windows': 0 }
        return await oracle.check({
          faults: { kills: [], recoveriesMs: {}, others },
          demands: { acked: times * 20, doubled: times },
        })
      },
    )
    return { 'open windows of half an hour': card }
  },
}
