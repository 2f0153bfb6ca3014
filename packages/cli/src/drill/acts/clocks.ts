import { futureMs } from '@millrace/contracts'
import type { Act, Scene } from '../act.ts'
import { setAsideBy } from '../agent-view.ts'
import type { KnownDevice } from '../known-device.ts'
import { count, span } from '../words.ts'

const sendEveryMs = 50
const hourMs = 3_600_000
const minuteMs = 60_000
const countedWithinMs = 20_000

interface WrongClock {
  device: KnownDevice
  offsetMs: number
  fate: 'stored' | 'set-aside'
}

async function sendFor(scene: Scene, clocks: readonly WrongClock[]): Promise<void> {
  const { target, lengthMs, wait } = scene
  const until = performance.now() + lengthMs
  const sent: Promise<unknown>[] = []
  while (performance.now() < until) {
    for (const { device, offsetMs, fate } of clocks) sent.push(device.send(target.now() + offsetMs, fate))
    await wait(sendEveryMs)
  }
  await Promise.all(sent)
}

/** Devices that do not know what time it is. */
export const clocks: Act = {
  name: 'clocks',
  title: 'WRONG CLOCKS',
  mark: 'wrong clocks',
  does: () => 'Three devices join: a clock 4 minutes ahead, one 3 hours behind, and one that lives tomorrow.',
  nasty: 'event time drives the windows: one clock from tomorrow could close the windows of a whole fleet early.',
  expects: 'windows where each device says, tomorrow set aside by name, and no other device notices.',
  async play(scene) {
    const { target, link, device, findings, heartbeat, until } = scene
    const line = link('clocks')
    const ahead = device(line, 'clock-ahead')
    const behind = device(line, 'clock-behind')
    const tomorrow = device(line, 'clock-tomorrow')
    await sendFor(scene, [
      { device: ahead, offsetMs: futureMs - minuteMs, fate: 'stored' },
      { device: behind, offsetMs: -3 * hourMs, fate: 'stored' },
      { device: tomorrow, offsetMs: 24 * hourMs, fate: 'set-aside' },
    ])
    const setAside = async () => (await setAsideBy(target)).get(tomorrow.device) ?? 0
    // What is acknowledged is in the journal, and counted once it is in the windows.
    await until(async () => (await setAside()) >= tomorrow.acknowledged, countedWithinMs)
    const future = await setAside()
    findings.clocks = { ahead: ahead.acknowledged, behind: behind.acknowledged, future }
    const taken = `${count(ahead.acknowledged + behind.acknowledged)} skewed readings taken`
    const text = `${taken}, ${count(future)} from tomorrow set aside, the page ${span(heartbeat.ageMs)} behind`
    return { well: future >= tomorrow.acknowledged && tomorrow.acknowledged > 0, text }
  },
}
