import { type Alert, drillSite } from '@millrace/contracts'
import { describe, expect, it } from 'vitest'
import { createEngine, type Engine } from './index.ts'
import { minute, row, rulesOf, t0 } from './testing/rows.ts'

const rules = rulesOf(
  { id: 'silent', kind: 'silence', for: '5m' },
  { id: 'offline', kind: 'silence', of: 'agent', for: '3m' },
)

/** `heard`: the device in that minute; `agent`: it spoke, and has listened since; `now`: the evaluator's time; `gone`: its last will. */
type Told =
  | { heard: number }
  | { agent: number; since?: number }
  | { now: number }
  | { gone: number }
  | { windows: readonly number[] }

const at = (minutes: number) => t0 + minutes * minute

function tell(engine: Engine, told: Told): void {
  const names = { site: 'hall', agent: 'e' }
  if ('heard' in told) engine.heard([{ ...names, device: 't1', ts: at(told.heard) }])
  else if ('now' in told) engine.advance(at(told.now))
  else if ('gone' in told) engine.agent({ ...names, at: at(told.gone), online: false })
  else if ('windows' in told) engine.windows(told.windows.map((one) => row(one, 5)))
  else {
    const since = told.since === undefined ? {} : { since: at(told.since) }
    engine.agent({ ...names, at: at(told.agent), online: true, ...since })
  }
}

function text({ rule, change, start, end, movedFrom }: Alert): string {
  const minutes = (ms: number) => Math.round((ms - t0) / minute)
  const from = movedFrom === null ? '' : ` from ${minutes(Number(movedFrom.split('/').at(-1)))}`
  return `${rule} ${change} ${minutes(start)}-${end === null ? '' : minutes(end)}${from}`
}

function changesOf(all: readonly Told[], restart: boolean): string[] {
  const saved = new Map<string, Uint8Array>()
  const start = () => createEngine({ rules, owner: 'cloud', evaluator: 'test' }, new Map(saved))
  let engine = start()
  return all.flatMap((told) => {
    tell(engine, told)
    const alerts = engine.takeAlerts().map(text)
    for (const { key, bytes } of engine.takeChanges()) {
      if (bytes) saved.set(key, bytes)
      else saved.delete(key)
    }
    if (restart) engine = start()
    return alerts
  })
}

/** The agent speaks every minute. */
const listens = (from: number, to: number): Told[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ agent: from + n, since: 0 }))

/** The evaluator is there every half minute, and hears the agent where it says so. */
const there = (from: number, to: number): Told[] =>
  Array.from({ length: (to - from) * 2 + 1 }, (_, n) => ({ now: from + n / 2 }))

const cases: { claim: string; told: readonly Told[]; changes: readonly string[] }[] = [
  {
    claim: 'a device is silent when its agent has listened long enough',
    told: [{ heard: 0 }, ...listens(0, 5)],
    changes: ['silent raised 0-'],
  },
  { claim: 'and not before', told: [{ heard: 0 }, ...listens(0, 4)], changes: [] },
  { claim: 'it is told once', told: [{ heard: 0 }, ...listens(0, 50)], changes: ['silent raised 0-'] },
  {
    claim: 'it ends when the device is heard',
    told: [{ heard: 0 }, ...listens(0, 7), { heard: 7 }],
    changes: ['silent raised 0-', 'silent cleared 0-7'],
  },
  {
    claim: 'an agent that does not listen hears no silence',
    told: [{ heard: 0 }, { agent: 1, since: 0 }, { agent: 30, since: 27 }],
    changes: [],
  },
  {
    claim: 'after its return silence counts from then, and is dated from what was heard last',
    told: [{ heard: 0 }, { agent: 1, since: 0 }, { agent: 30, since: 30 }, { agent: 35, since: 30 }],
    changes: ['silent raised 0-'],
  },
  {
    claim: 'a silence goes on over an absence of the agent',
    told: [{ heard: 0 }, ...listens(0, 6), { agent: 60, since: 60 }, { agent: 61, since: 60 }],
    changes: ['silent raised 0-'],
  },
  {
    claim: 'a backlog that shows when it was heard last moves the silence',
    told: [{ heard: 0 }, { agent: 1, since: 0 }, { agent: 30, since: 30 }, { agent: 35, since: 30 }, { heard: 20 }],
    changes: ['silent raised 0-', 'silent moved 20- from 0', 'silent withdrawn 0-'],
  },
  {
    claim: 'a backlog without a gap withdraws it',
    told: [
      { heard: 0 },
      { agent: 1, since: 0 },
      { agent: 30, since: 30 },
      { agent: 35, since: 30 },
      { windows: [...Array(35).keys()] },
    ],
    changes: ['silent raised 0-', 'silent withdrawn 0-'],
  },
  {
    claim: 'windows of a device say that it was heard',
    told: [{ heard: 0 }, ...listens(0, 3), { windows: [2] }, ...listens(4, 7)],
    changes: [],
  },
  {
    claim: 'a clock that is set forward makes nobody silent',
    told: [{ heard: 0 }, ...listens(0, 2), { heard: 62 }, { agent: 62, since: 0 }],
    changes: [],
  },
  {
    claim: 'a clock that is set back neither',
    told: [...listens(60, 62), { heard: 62 }, { agent: 2 }, { heard: 2 }, { agent: 3 }],
    changes: [],
  },

  {
    claim: 'an agent is offline when the evaluator has not heard it long enough',
    told: [{ now: 0 }, { agent: 0 }, ...there(0, 3)],
    changes: ['offline raised 0-'],
  },
  { claim: 'and not before', told: [{ now: 0 }, { agent: 0 }, ...there(0, 2.5)], changes: [] },
  {
    claim: 'its devices are not silent meanwhile',
    told: [{ now: 0 }, { heard: 0 }, { agent: 0 }, { gone: 0 }, ...there(0, 30)],
    changes: ['offline raised 0-'],
  },
  {
    claim: 'it is back when it speaks',
    told: [{ now: 0 }, { agent: 0 }, ...there(0, 10), { agent: 10 }],
    changes: ['offline raised 0-', 'offline cleared 0-10'],
  },
  {
    claim: 'what it said before again is no sign of life',
    told: [{ now: 0 }, { agent: 0 }, ...there(0, 2), { agent: 0 }, ...there(2.5, 3)],
    changes: ['offline raised 0-'],
  },
  {
    claim: 'an evaluator that was away finds nobody offline for that',
    told: [{ now: 0 }, { agent: 0 }, { now: 60 }, { agent: 60 }, ...there(60, 62)],
    changes: [],
  },
  {
    claim: 'but who stays away after it came back',
    told: [{ now: 0 }, { agent: 0 }, ...there(60, 63)],
    changes: ['offline raised 0-'],
  },
  {
    claim: 'an agent whose clock is wrong is not offline for that',
    told: [{ now: 0 }, { agent: -500 }, ...there(0, 2), { agent: -498 }, ...there(2.5, 4)],
    changes: [],
  },
]

describe('silences and what is told of them', () => {
  for (const { claim, told, changes } of cases) {
    for (const restart of [false, true]) {
      it(`${claim}${restart ? ', with a restart after each' : ''}`, () =>
        expect(changesOf(told, restart)).toEqual(changes))
    }
  }

  it('an agent of several sites hears the devices of all of them', () => {
    const engine = createEngine({ rules, owner: 'cloud', evaluator: 'test' })
    engine.heard([{ site: 'yard', device: 'x', agent: 'e', ts: t0 }])
    for (const told of listens(0, 5)) tell(engine, told)
    expect(engine.takeAlerts().map(({ id }) => id)).toEqual([`silent/yard/x/-/${t0}`])
  })
})

it('devices of a drill fall silent by design: a rule watches them only where it names their site', () => {
  const heardOf = (...watching: ReturnType<typeof rulesOf>) => {
    const engine = createEngine({ rules: watching, owner: 'cloud', evaluator: 'test' }, new Map())
    const names = { site: drillSite, agent: 'e' }
    engine.advance(at(0))
    engine.agent({ ...names, at: at(0), online: true, since: at(0) })
    engine.heard([{ ...names, device: 'heartbeat', ts: at(0) }])
    for (let minutes = 1; minutes < 10; minutes++) {
      engine.advance(at(minutes))
      engine.agent({ ...names, at: at(minutes), online: true, since: at(0) })
    }
    return engine.takeAlerts().map(({ device }) => device)
  }
  expect(heardOf(...rulesOf({ id: 'silent', kind: 'silence', for: '5m' }))).toEqual([])
  expect(heardOf(...rulesOf({ id: 'all', kind: 'silence', for: '5m', select: { site: '*' } }))).toEqual([])
  const own = rulesOf({ id: 'own', kind: 'silence', for: '5m', select: { site: drillSite } })
  expect(heardOf(...own)).toEqual(['heartbeat'])
})
