import type { Scene } from '../act.ts'
import type { Findings, Kill } from '../findings.ts'
import type { Victim } from '../target.ts'
import { list } from '../words.ts'

const startedWithinMs = 20_000
/** A killed process stands in the books until its end is noticed, and must not count twice. */
const killedPids = new WeakMap<Findings, Set<number>>()

/** kill -9 of all of them at one moment; those that are just starting are waited for. The kills, still without recovery. */
export async function killAtOnce({ target, findings, say, until }: Scene, victims: readonly Victim[]): Promise<Kill[]> {
  const dead = killedPids.get(findings) ?? new Set()
  killedPids.set(findings, dead)
  const lives = (victim: Victim) => {
    const pid = target.pid(victim)
    return pid !== null && !dead.has(pid)
  }
  await until(() => victims.every(lives), startedWithinMs)
  const killed = victims.filter(lives).flatMap((victim) => {
    const pid = target.kill(victim)
    return pid === null ? [] : [{ pid, kill: { victim, recoveryMs: null } }]
  })
  for (const { pid } of killed) dead.add(pid)
  findings.kills.push(...killed.map(({ kill }) => kill))
  say.event(`kill -9 ${list(killed.map(({ pid, kill }) => `${kill.victim} (${pid})`))}`)
  return killed.map(({ kill }) => kill)
}
