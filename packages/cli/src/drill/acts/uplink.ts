import type { Act, Scene } from '../act.ts'
import { agentView } from '../agent-view.ts'
import type { Outage } from '../findings.ts'
import { count, eventSpan, many, span } from '../words.ts'
import { killAtOnce } from './killing.ts'

const drainedWithinMs = 60_000
const connectedWithinMs = 30_000
/** Of the act, before the cable is back. */
const cutShare = 0.65

const held = async ({ target }: Scene) => (await target.api.accounts()).total.held

/** From the first moment at which the agent is connected until it has nothing left from before the cable was back. */
async function drain(scene: Scene, sinceMs: number): Promise<number | null> {
  const { target, until } = scene
  let awayAt = performance.now()
  const connected = await until(async () => {
    const askedAt = performance.now()
    const { connected } = (await agentView(target))?.uplink ?? { connected: false }
    if (!connected) awayAt = askedAt
    return connected
  }, connectedWithinMs)
  const drained = await until(async () => {
    const oldest = (await agentView(target))?.spool.oldestOutboxMs
    return oldest !== undefined && (oldest === null || oldest >= sinceMs)
  }, drainedWithinMs)
  return connected === null || drained === null ? null : performance.now() - awayAt
}

async function cut(scene: Scene): Promise<{ outage: Outage; healedMs: number }> {
  const { target, heartbeat, say, findings, lengthMs, wait, until } = scene
  const [beganAt, fromMs] = [performance.now(), target.now()]
  const mend = heartbeat.break()
  await target.connectUplink(false)
  say.event('the cable is pulled')
  findings.plannedKills++
  await wait((lengthMs * cutShare) / 2)
  await killAtOnce(scene, ['agent'])
  await wait((lengthMs * cutShare) / 2)
  const messages = async () => (await agentView(target))?.spool.outboxMessages ?? 0
  // Where an agent needs long to come back, its first messages are still to be made.
  await until(async () => (await messages()) > 0, connectedWithinMs)
  const waiting = await messages()
  const [toMs, before] = [target.now(), await held(scene)]
  await target.connectUplink(true)
  const outage = { realMs: performance.now() - beganAt, eventMs: toMs - fromMs, waiting }
  say.event(
    `the cable is back after ${eventSpan(outage.eventMs)} of event time: ${many(waiting, 'message')} on the disk`,
  )
  const healed = mend()
  const drainMs = await drain(scene, toMs)
  const readings = (await held(scene)) - before
  return { outage: { ...outage, drainMs, readings }, healedMs: await healed }
}

/** The cloud cannot be reached for a while. */
export const uplink: Act = {
  name: 'uplink',
  title: 'THE UPLINK IS CUT',
  mark: 'uplink cut',
  does: ({ lengthMs }) =>
    `The cable between agent and cloud is pulled for ${span(lengthMs * cutShare)}; half way through, the agent is killed too.`,
  nasty: 'devices go on sending. What is not on the disk of the agent when it dies has nowhere else to be.',
  expects: 'the agent keeps everything, drains it when the cable is back, and the page is fresh again at once.',
  async play(scene) {
    const { outage, healedMs } = await cut(scene)
    scene.findings.outages.push(outage)
    const { drainMs, readings, waiting } = outage
    if (drainMs === null) return { well: false, text: `the backlog is not drained after ${span(drainedWithinMs)}` }
    const of = readings > 0 ? ` (${count(readings)} readings)` : ''
    const rate = `${many(waiting, 'message')}${of} drained in ${span(drainMs)}`
    return { well: waiting > 0, text: `${rate}; the page was live again after ${span(healedMs)}` }
  },
}
