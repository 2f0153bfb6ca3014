import type { Alert } from '@millrace/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { activeAgain, alertOf, cleared, moved, next, t0, withdrawn } from '../testing/alerts.ts'
import type { KillPoint } from '../testing/memory-spool.ts'
import { type Health, World } from '../testing/world.ts'
import { subjectOf } from './entry.ts'
import type { Notice } from './types.ts'

type Change = 'on' | 'off' | 'withdraw' | 'again' | 'move' | 'worse'

type Command =
  | { do: 'alert'; subject: number; change: Change; twice: boolean }
  | { do: 'time'; seconds: number }
  | { do: 'health'; channel: 'people' | 'machine'; health: Health }
  | { do: 'restart' }
  | { do: 'kill'; at: KillPoint | 'now' }

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('alert' as const),
      subject: fc.integer({ min: 0, max: 2 }),
      change: fc.constantFrom<Change>('on', 'off', 'withdraw', 'again', 'move', 'worse'),
      twice: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('time' as const), seconds: fc.constantFrom(0, 1, 11, 61) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('health' as const),
      channel: fc.constantFrom('people' as const, 'machine' as const),
      health: fc.constantFrom<Health>('up', 'down', 'answer lost', 'hangs'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      at: fc.constantFrom<KillPoint | 'now'>('now', 'before-write', 'after-write', 'after-send'),
    }),
  },
)

/** Alerts as an engine gives them: one episode of a subject at a time, moved with the old one withdrawn. */
class Engine {
  readonly newest = new Map<string, Alert>()
  readonly superseded = new Set<string>()
  readonly #current = new Map<number, Alert>()
  #episodes = 0

  change(subject: number, change: Change): Alert[] {
    const now = this.#current.get(subject)
    const active = now?.state === 'active'
    if (change === 'on' && !active) {
      return this.#now(subject, alertOf({ device: `d${subject}`, start: t0 + ++this.#episodes * 10_000 }))
    }
    if (!now) return []
    if (change === 'off' && active) return this.#now(subject, cleared(now))
    if (change === 'withdraw' && now.state !== 'withdrawn') return this.#now(subject, withdrawn(now))
    if (change === 'again' && !active) return this.#now(subject, activeAgain(now))
    if (change === 'worse' && active) return this.#now(subject, next(now, { value: 20 }))
    if (change !== 'move' || now.state === 'withdrawn') return []
    const to = moved(now, ++this.#episodes)
    this.superseded.add(now.id)
    return [...this.#now(subject, to), this.#keep(withdrawn(now))]
  }

  #now(subject: number, alert: Alert): Alert[] {
    this.#current.set(subject, alert)
    return [this.#keep(alert)]
  }

  #keep(alert: Alert): Alert {
    this.newest.set(alert.id, alert)
    return alert
  }
}

async function play(world: World, commands: readonly Command[]): Promise<Engine> {
  const engine = new Engine()
  for (const one of commands) {
    if (one.do === 'alert') {
      const alerts = engine.change(one.subject, one.change)
      if (alerts.length > 0) await world.give(alerts)
      if (one.twice && alerts.length > 0) await world.give(alerts)
    } else if (one.do === 'time') await world.look(one.seconds)
    else if (one.do === 'health') world.ends[one.channel]!.health = one.health
    else if (one.do === 'restart') await world.restart()
    else if (one.at === 'now') world.kill()
    else world.arm(one.at)
  }
  return engine
}

/** Repeats are recognised by their key, and say the same. */
function withoutRepeats(received: readonly Notice[]): Notice[] {
  const byKey = new Map<string, Notice>()
  let newest = 0
  for (const notice of received) {
    const number = Number(notice.key.split('.').at(-1))
    expect(number).toBeGreaterThanOrEqual(newest)
    newest = number
    const known = byKey.get(notice.key)
    if (known) expect(notice).toEqual(known)
    else byKey.set(notice.key, notice)
  }
  return [...byKey.values()]
}

/** What a careful reader of all notices believes of each alert. */
function believed(notices: readonly Notice[]): Map<string, Alert['state']> {
  const states = new Map<string, Alert['state']>()
  for (const { kind, alert, replaces } of notices.flatMap(({ items }) => items)) {
    const before = states.get(replaces ?? alert.id)
    if (kind === 'raised' || kind === 'passed') expect(before).not.toBe('active')
    if (kind === 'cleared') expect(before).toBe('active')
    if (kind === 'withdrawn' || kind === 'moved') expect(['active', 'cleared']).toContain(before)
    if (kind !== 'moved') expect(before).not.toBe(alert.state)
    if (replaces !== null) states.delete(replaces)
    states.set(alert.id, alert.state)
  }
  return states
}

function checkPeople(received: readonly Notice[], { newest, superseded }: Engine): void {
  const states = believed(withoutRepeats(received))
  for (const [id, { state }] of newest) {
    const told = states.get(id)
    if (superseded.has(id)) expect(told).not.toBe('active')
    else if (state === 'withdrawn') expect([undefined, 'withdrawn']).toContain(told)
    else expect(told).toBe(state)
  }
}

function checkMachine(received: readonly Notice[], { newest }: Engine): void {
  const now = new Map<string, boolean>()
  for (const { alert } of received.flatMap(({ items }) => items)) now.set(subjectOf(alert), alert.state === 'active')
  const wanted = new Map<string, boolean>()
  for (const alert of newest.values()) {
    const subject = subjectOf(alert)
    wanted.set(subject, (wanted.get(subject) ?? false) || alert.state === 'active')
  }
  for (const [subject, active] of wanted) expect(now.get(subject) ?? false).toBe(active)
}

/** Its first process sent a notice that arrived; the second finds the channel down, and another thing to say. */
const arrivedBeforeTheKill: Command[] = [
  { do: 'alert', subject: 0, change: 'on', twice: false },
  { do: 'health', channel: 'people', health: 'hangs' },
  { do: 'time', seconds: 11 },
  { do: 'kill', at: 'now' },
  { do: 'health', channel: 'people', health: 'down' },
  { do: 'time', seconds: 1 },
  { do: 'alert', subject: 0, change: 'off', twice: false },
  { do: 'time', seconds: 1 },
  { do: 'time', seconds: 1 },
]

/** Stopped while a notice is on its way that arrived and says no longer all. */
const movedWhileItArrived: Command[] = [
  { do: 'alert', subject: 0, change: 'on', twice: false },
  { do: 'health', channel: 'people', health: 'hangs' },
  { do: 'time', seconds: 61 },
  { do: 'alert', subject: 0, change: 'move', twice: false },
  { do: 'restart' },
  { do: 'time', seconds: 0 },
]

it('whatever happens to alerts, channels and the process, every alert is told to its end, once by its key', async () => {
  let played = 0
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40, size: 'max' }), async (commands) => {
      const world = new World({ people: 'notices', machine: 'states' })
      try {
        const engine = await play(world, commands)
        await world.settle()
        checkPeople(world.ends.people!.received, engine)
        checkMachine(world.ends.machine!.received, engine)
        played += 1
      } finally {
        await world.close()
      }
    }),
    { numRuns: 150, interruptAfterTimeLimit: 20_000, examples: [[arrivedBeforeTheKill], [movedWhileItArrived]] },
  )
  // A run that hangs would end the rest in silence.
  expect(played).toBeGreaterThan(10)
})
