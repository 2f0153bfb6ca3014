import type { Act, Scene } from '../act.ts'
import { agentView } from '../agent-view.ts'
import { count, span } from '../words.ts'

const flowsWithinMs = 60_000
/** Readings of the fleet that have been the whole way, before anything is judged. */
const fewestClosed = 200
const freshMs = 5_000

/** Readings that the agent has on its disk. */
async function accepted({ target }: Scene): Promise<number> {
  return (await agentView(target))?.accounts.accepted ?? 0
}

/** Nothing goes wrong: what all the rest is held against. */
export const baseline: Act = {
  name: 'baseline',
  title: 'HEALTHY',
  does: (_planned, { own }) =>
    own
      ? 'Nothing yet: the fleet sends, some of it late, twice, shuffled, after a reboot or with numbers missing.'
      : 'Nothing yet: the stack does what it does.',
  nasty: 'what is late or doubled is what a careless pipeline counts wrong even on a good day.',
  expects: 'readings flow, the page is at most seconds behind, and nothing is unaccounted.',
  async play(scene) {
    const { heartbeat, lengthMs, wait, until, target } = scene
    const first = await until(
      async () => heartbeat.ages.length > 0 && (await target.api.accounts()).total.closed >= fewestClosed,
      flowsWithinMs,
    )
    const [before, beganAt] = [await accepted(scene), performance.now()]
    await wait(lengthMs)
    const perSecond = ((await accepted(scene)) - before) / ((performance.now() - beganAt) / 1000)
    const { unaccounted } = (await target.api.accounts()).total
    const well = first !== null && heartbeat.ageMs < freshMs && unaccounted === 0 && perSecond > 0
    const flow = `${count(Math.round(perSecond))} readings a second`
    return { well, text: `${flow}, the page ${span(heartbeat.ageMs)} behind, unaccounted ${count(unaccounted)}` }
  },
}
