import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from '../../../packages/pipeline/testing/index.ts'
import { randomOf } from '../../oracle/publish.ts'
import type { Faults } from '../../oracle/scorecard.ts'
import type { Claim } from '../claim.ts'
import { type MemoryLimit, makeMemoryLimit } from '../memory-limit.ts'
import type { OracleProcess } from '../oracle-process.ts'
import { Service } from '../service.ts'
import type { FaultStack } from '../stack.ts'
import { withStack } from '../with-stack.ts'

const windowMs = 10_000
const limitMiB = 1_024
const hog = fileURLToPath(new URL('../hog.ts', import.meta.url))

/** Lets something else take all the memory until the kernel has ended the victim, and starts it again. */
async function starve(victim: Service, limit: MemoryLimit): Promise<void> {
  const pid = victim.pid!
  limit.add(pid)
  limit.prefer(pid)
  const eater = new Service('hog', [hog, String(2 * limitMiB)])
  eater.start()
  limit.add(eater.pid!)
  try {
    await until(() => victim.pid !== pid, { withinMs: 60_000, everyMs: 5, label: `the end of the ${victim.name}` })
  } finally {
    await eater.kill()
  }
  victim.start()
}

async function run(
  stack: FaultStack,
  oracle: OracleProcess,
  { times, limit, random, say }: { times: number; limit: MemoryLimit; random: () => number; say(line: string): void },
): Promise<Faults> {
  const kills: Faults['kills'] = []
  const before = limit.ended ?? 0
  for (let time = 0; time < times; time++) {
    const victim = time % 3 === 2 ? stack.ingest : stack.agent
    const works = () => victim.name !== 'agent' || oracle.ackingSinceMs > victim.startedAtMs
    await until(works, { withinMs: 30_000, everyMs: 5, label: `work of the ${victim.name}` })
    await delay(random() * 1_000)
    await starve(victim, limit)
    kills.push({ victim: victim.name, phase: 'working' })
    say(`out of memory ${time + 1}: the kernel ended the ${victim.name}`)
    await stack.ready()
  }
  const ended = (limit.ended ?? before + times) - before
  if (ended < times) throw new Error(`the kernel ended ${ended} processes, not ${times}`)
  return { kills, recoveriesMs: {}, others: { 'ended by the kernel for memory, what took it included': ended } }
}

/** F29. */
export const outOfMemory: Claim = {
  name: 'out-of-memory',
  says: 'agent and ingest that the kernel ends for want of memory lose nothing: what waits is on disk',
  needs: [],
  async run({ long, seed, signal, say }) {
    const limit = makeMemoryLimit(limitMiB * 2 ** 20)
    if (!limit)
      throw new Error('this system lets nobody here limit memory: it takes Linux with control groups, and root')
    const times = long ? 60 : 5
    try {
      const card = await withStack({ windowMs, signal, say, withinMs: 300_000 + times * 30_000 }, async (stack) => {
        const oracle = stack.startOracle({ speed: 10, rate: 40, devices: 6, begin: Date.now() - 6 * 3_600_000, seed })
        const faults = await run(stack, oracle, { times, limit, random: randomOf(seed), say })
        oracle.calm()
        await oracle.finish()
        return await oracle.check({ faults, demands: { kills: times, late: times * 5, amended: times } })
      })
      return { 'a control group of 1 GiB': card }
    } finally {
      limit.remove()
    }
  },
}
