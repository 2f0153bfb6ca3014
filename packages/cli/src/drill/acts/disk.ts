import type { Act, Scene } from '../act.ts'
import { agentView } from '../agent-view.ts'
import type { SmallDisk } from '../target.ts'
import { span } from '../words.ts'
import { killAtOnce } from './killing.ts'

const noticedWithinMs = 20_000
const recoveredWithinMs = 60_000
/** Of the act, before there is room again. */
const fullShare = 0.7

/** What a spool keeps of letters nobody can read is bounded by the reason, so there are two. */
const letters = [Buffer.alloc(64 * 1024, '~'), Buffer.alloc(64 * 1024, 0xff)]
const lettersOfEach = 110

async function isRefusing({ target }: Scene, disk: SmallDisk): Promise<boolean> {
  // What the agent gives up to help itself is taken as well.
  disk.fill()
  const view = await agentView(target)
  // Where it is a limit of its files, the agent ends and is started again until there is room.
  return view === undefined || view.spool.full
}

/** Wants more room than its files may have left inside; every letter is sent again until it is acknowledged. */
function sendLetters({ link, device }: Scene): Promise<unknown> {
  const sender = device(link('letters'), 'full-disk')
  const all = Array.from({ length: letters.length * lettersOfEach }, (_none, n) => letters[n % letters.length]!)
  const sent = Promise.all(all.map((body) => sender.sendNoise(body)))
  sent.catch(() => undefined)
  return sent
}

async function stayFull(scene: Scene, disk: SmallDisk) {
  const { say, until, wait, lengthMs, findings } = scene
  say.event(disk.fill())
  const refusedAfterMs = await until(() => isRefusing(scene, disk), noticedWithinMs)
  if (refusedAfterMs !== null)
    say.event(`the agent takes nothing more, ${span(refusedAfterMs)} later; devices keep and repeat`)
  findings.plannedKills++
  await wait((lengthMs * fullShare) / 2)
  await killAtOnce(scene, ['agent'])
  await wait((lengthMs * fullShare) / 2)
  disk.empty()
  say.event('there is room again; nobody tells the agent')
  return { refusedAfterMs, kind: disk.kind }
}

/** Not a byte left under the agent. */
export const disk: Act = {
  name: 'disk',
  title: 'THE DISK IS FULL',
  mark: 'disk full',
  does: () => "The disk under the agent's spool is filled to the last byte, and the agent is killed on the full disk.",
  nasty: 'a write that fails half way; a start without room; and the room to clean up is itself on that disk.',
  expects: 'no acknowledgement without a commit: devices are refused and repeat. It recovers with no human.',
  async play(scene) {
    const { target, heartbeat, findings, until } = scene
    if (!target.disk) {
      findings.notTried.push({ what: 'full disk', why: 'nothing here can be filled without harm' })
      return {
        well: true,
        text: 'not tried: this user may neither mount a small disk nor limit the size of files (prlimit)',
      }
    }
    const mend = heartbeat.break()
    const sent = sendLetters(scene)
    const stayed = await stayFull(scene, target.disk)
    const healed = mend()
    const recoveredAfterMs = await until(() => heartbeat.well, recoveredWithinMs)
    findings.disk = { ...stayed, recoveredAfterMs }
    if (recoveredAfterMs === null)
      return { well: false, text: `readings do not reach the page ${span(recoveredWithinMs)} after there was room` }
    await sent
    const text = `readings reached the page ${span(await healed)} after there was room`
    return { well: stayed.refusedAfterMs !== null, text }
  },
}
