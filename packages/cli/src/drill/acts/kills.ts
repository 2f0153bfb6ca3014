import type { Act, Scene } from '../act.ts'
import type { Kill } from '../findings.ts'
import { type PlannedKill, planKills } from '../plan.ts'
import { list, many, span } from '../words.ts'
import { killAtOnce } from './killing.ts'

const healedWithinMs = 60_000

/** Resolves once the kill is done; what it took to recover is noted when everything works again. */
async function strike(scene: Scene, { victims }: PlannedKill): Promise<Kill[]> {
  const { heartbeat, marks, say } = scene
  const kills = await killAtOnce(scene, victims)
  marks.moment(`kill -9 ${list(victims)}`)
  const healed = heartbeat.healed().then((ms) => {
    for (const kill of kills) kill.recoveryMs = ms
    say.event(`readings reach the page again, ${span(ms)} after ${list(victims)} died`)
  })
  healed.catch(() => undefined)
  return kills
}

/** Processes die at moments that nobody chose. */
export const kills: Act = {
  name: 'kills',
  title: 'KILL -9',
  mark: 'kill -9',
  does: () => 'Agent, ingest and the broker between them are killed at random moments, one by one and all together.',
  nasty: 'no goodbye and no last write: what was only in memory is gone, in the middle of a window or a commit.',
  expects: 'each comes back by itself, goes on from its disk, loses nothing it acknowledged and counts nothing twice.',
  async play(scene) {
    const { findings, heartbeat, lengthMs, seed, target, wait, until } = scene
    const planned = planKills(lengthMs, target.victims, seed)
    findings.plannedKills += planned.reduce((sum, { victims }) => sum + victims.length, 0)
    const struck: Kill[] = []
    for (const kill of planned) {
      if (!kill.again) await until(() => heartbeat.well, healedWithinMs)
      await wait(kill.pauseMs)
      struck.push(...(await strike(scene, kill)))
    }
    const back = await until(() => heartbeat.well, healedWithinMs)
    const slowest = Math.max(...struck.map(({ recoveryMs }) => recoveryMs ?? Number.POSITIVE_INFINITY))
    if (back === null) return { well: false, text: `not everything works again ${span(healedWithinMs)} later` }
    return { well: true, text: `${many(struck.length, 'kill')}; the slowest recovery took ${span(slowest)}` }
  },
}
