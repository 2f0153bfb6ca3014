import { drillSite } from '@millrace/contracts'
import type { Act, Scene } from '../act.ts'
import { setAsideBy } from '../agent-view.ts'
import { count, span } from '../words.ts'
import { publishHuge } from './huge-publish.ts'
import { poisonAt } from './poison-corpus.ts'

const devices = 40
const mostMessages = 20_000
const mostWaiting = 200
const hugePublishes = 5
const countedWithinMs = 20_000

/** The same in every drill, so that a stack that is drilled often does not fill with devices. */
const ownDevice = (n: number) => `poison-${n % devices}`

async function flood({ link, lengthMs, wait }: Scene): Promise<{ messages: number; tookMs: number }> {
  const line = link('poison')
  const beganAt = performance.now()
  const waiting = new Set<Promise<unknown>>()
  let messages = 0
  while (performance.now() - beganAt < lengthMs && messages < mostMessages) {
    const { body } = poisonAt(messages)
    const topic = `telemetry/${drillSite}/${ownDevice(messages++)}`
    const sending: Promise<unknown> = line.publish({ topic, body, qos: 1 }).finally(() => waiting.delete(sending))
    sending.catch(() => undefined)
    waiting.add(sending)
    if (waiting.size >= mostWaiting) await Promise.race(waiting)
    if (messages % mostWaiting === 0) await wait(0)
  }
  await Promise.all(waiting)
  return { messages, tookMs: performance.now() - beganAt }
}

/** Ever. */
async function setAside({ target }: Scene): Promise<number> {
  const counts = await setAsideBy(target)
  return Array.from({ length: devices }, (_none, n) => counts.get(ownDevice(n)) ?? 0).reduce((a, b) => a + b, 0)
}

/** A flood of what no reader should ever see. */
export const poison: Act = {
  name: 'poison',
  title: 'POISON',
  mark: 'poison',
  does: () =>
    'A flood of bad messages: broken JSON, NaN, __proto__, SQL and markup for names, 50,000 levels deep, noise, 256 MiB.',
  nasty:
    'one message that is never acknowledged blocks what is behind it; one that is parsed carelessly ends the process.',
  expects: 'each is acknowledged, set aside with its reason and counted; the 256 MiB are cut off; nobody else waits.',
  async play(scene) {
    const { target, heartbeat, findings, until, run } = scene
    const agent = target.pid('agent')
    const before = await setAside(scene)
    const { messages, tookMs } = await flood(scene)
    const huge: boolean[] = []
    for (let n = 0; n < hugePublishes; n++) huge.push(await publishHuge(target.ports.mqtt, `huge-${run}-${n}`))
    const hugeRefused = huge.filter((refused) => refused).length
    await until(async () => (await setAside(scene)) - before >= messages, countedWithinMs)
    const found = (await setAside(scene)) - before
    const perSecond = messages / (tookMs / 1000)
    findings.poison = { messages, setAside: found, hugeRefused, hugeSent: hugePublishes, perSecond }
    const well = found === messages && hugeRefused === hugePublishes && target.pid('agent') === agent
    const flow = `${count(messages)} messages at ${count(Math.round(perSecond))} a second, ${count(found)} set aside`
    return {
      well,
      text: `${flow}; ${hugeRefused} of ${hugePublishes} huge ones cut off; the page ${span(heartbeat.ageMs)} behind`,
    }
  },
}
