import type { Alert } from '@millrace/contracts'
import { describe, expect, it } from 'vitest'
import { activeAgain, alertOf, cleared, moved, next, t0, withdrawn } from '../testing/alerts.ts'
import { Timeline, type TimelineOptions } from '../testing/timeline.ts'

type Step = Alert | ((timeline: Timeline) => void)

interface Case extends TimelineOptions {
  claim: string
  /** At these seconds the channel is given these alerts, or something happens to it. */
  steps: [number, ...Step[]][]
  until: number
  told: string[]
}

const a = alertOf({ device: 'a' })
const b = alertOf({ device: 'b' })
const c = alertOf({ device: 'c', rule: 'cold' })
const info = alertOf({ device: 'i', severity: 'info' })
const critical = alertOf({ device: 'x', severity: 'critical' })
const down = (timeline: Timeline) => {
  timeline.down = true
}
const up = (timeline: Timeline) => {
  timeline.down = false
}
const silent = (from: number, to: number) => (timeline: Timeline) => {
  timeline.silence({ seconds: [from, to], match: { device: 'a' } })
}

const cases: Case[] = [
  {
    claim: 'a raise and its resolve',
    steps: [
      [0, a],
      [300, cleared(a)],
    ],
    until: 600,
    told: ['10: raised a', '310: cleared a'],
  },
  {
    claim: 'what comes within the wait comes together',
    steps: [
      [0, a],
      [9, b],
    ],
    until: 60,
    told: ['10: raised a, raised b'],
  },
  {
    claim: 'a group asks for one notice per groupEvery',
    steps: [
      [0, a],
      [11, b],
    ],
    until: 200,
    told: ['10: raised a', '70: raised b'],
  },
  {
    claim: 'another group does not wait for that',
    steps: [
      [0, a],
      [11, c],
    ],
    until: 200,
    told: ['10: raised a', '21: raised c'],
  },
  {
    claim: 'what waits goes along with what presses',
    steps: [
      [0, a],
      [5, c],
    ],
    until: 60,
    told: ['10: raised a, raised c'],
  },
  {
    claim: 'a raise withdrawn within the wait is never told',
    steps: [
      [0, a],
      [5, withdrawn(a)],
    ],
    until: 600,
    told: [],
  },
  {
    claim: 'a raise withdrawn after it was told is taken back',
    steps: [
      [0, a],
      [50, withdrawn(a)],
    ],
    until: 600,
    told: ['10: raised a', '70: withdrawn a'],
  },
  {
    claim: 'over within the wait is told once, as over',
    steps: [
      [0, a],
      [5, cleared(a)],
    ],
    until: 600,
    told: ['10: passed a'],
  },
  {
    claim: 'over, told, and withdrawn by late data',
    steps: [
      [0, a],
      [100, cleared(a)],
      [200, withdrawn(cleared(a))],
    ],
    until: 600,
    told: ['10: raised a', '110: cleared a', '210: withdrawn a'],
  },
  {
    claim: 'over, and active again by late data',
    steps: [
      [0, a],
      [100, cleared(a)],
      [200, activeAgain(cleared(a))],
    ],
    until: 600,
    told: ['10: raised a', '110: cleared a', '210: raised a'],
  },
  {
    claim: 'a repeat is not told again',
    steps: [
      [0, a],
      [50, a],
      [100, cleared(a)],
      [150, a, cleared(a)],
    ],
    until: 600,
    told: ['10: raised a', '110: cleared a'],
  },
  {
    claim: 'an older revision changes nothing',
    steps: [
      [0, cleared(a)],
      [50, a],
    ],
    until: 600,
    told: ['10: passed a'],
  },
  {
    claim: 'a new worst value alone is no news',
    steps: [
      [0, a],
      [100, next(a, { value: 12 })],
    ],
    until: 600,
    told: ['10: raised a'],
  },
  {
    claim: 'a moved alert is one item that follows what was told',
    steps: [
      [0, a],
      [100, withdrawn(a), moved(a, -60_000)],
      [200, cleared(moved(a, -60_000))],
    ],
    until: 600,
    told: ['10: raised a', '110: moved a', '210: cleared a'],
  },
  {
    claim: 'the same in the other order',
    steps: [
      [0, a],
      [100, moved(a, -60_000), withdrawn(a)],
    ],
    until: 600,
    told: ['10: raised a', '110: moved a'],
  },
  {
    claim: 'moved before it was told is just raised',
    steps: [
      [0, a],
      [5, withdrawn(a), moved(a, -60_000)],
    ],
    until: 600,
    told: ['15: raised a'],
  },
  {
    claim: 'a reminder while it lasts',
    pace: { remindEvery: '10m' },
    steps: [
      [0, a],
      [1300, cleared(a)],
    ],
    until: 3000,
    told: ['10: raised a', '610: reminder a', '1210: reminder a', '1310: cleared a'],
  },
  {
    claim: 'never a reminder where none is wanted',
    pace: { remindEvery: 'never' },
    steps: [[0, a]],
    until: 20_000,
    told: ['10: raised a'],
  },
  {
    claim: 'an acknowledged alert is not repeated, its resolve is told',
    pace: { remindEvery: '10m' },
    steps: [
      [0, a],
      [700, (t) => t.acknowledge(a.id)],
      [2000, cleared(a)],
    ],
    until: 3000,
    told: ['10: raised a', '610: reminder a', '2010: cleared a'],
  },
  {
    claim: 'an acknowledgement follows a move',
    pace: { remindEvery: '10m' },
    steps: [
      [0, a],
      [20, (t) => t.acknowledge(a.id)],
      [100, moved(a, 1)],
    ],
    until: 3000,
    told: ['10: raised a', '110: moved a'],
  },
  {
    claim: 'at most so many in a minute, the rest comes together',
    pace: { maxPerMinute: 2, groupEvery: 0, groupWait: 0 },
    steps: [
      [0, a],
      [1, b],
      [2, c],
      [3, info],
    ],
    until: 100,
    told: ['0: raised a', '1: raised b', '60: raised c, raised i'],
  },
  {
    claim: 'a silenced raise is told when the silence ends',
    steps: [[0, silent(0, 600), a, b]],
    until: 900,
    told: ['10: raised b', '600: raised a'],
  },
  {
    claim: 'a raise silenced until it was over is never told',
    steps: [
      [0, silent(0, 600), a],
      [300, cleared(a)],
    ],
    until: 900,
    told: [],
  },
  {
    claim: 'what was told before the silence is resolved after it',
    steps: [
      [0, a],
      [100, silent(100, 600), cleared(a)],
    ],
    until: 900,
    told: ['10: raised a', '600: cleared a'],
  },
  {
    claim: 'no reminder in a silence',
    pace: { remindEvery: '1m' },
    steps: [
      [0, a],
      [20, silent(20, 200)],
    ],
    until: 250,
    told: ['10: raised a', '200: reminder a'],
  },
  {
    claim: 'a channel that is down is told the difference once',
    steps: [
      [0, a, b],
      [5, down],
      [60, cleared(a)],
      [120, c],
      [200, withdrawn(b)],
      [300, up],
    ],
    until: 400,
    told: ['200: raised c, passed a'],
  },
  {
    claim: 'severity, rule, site and labels route',
    channel: { match: { severity: 'warning', rule: ['w*', 'none'], site: 's', labels: { team: 'k*' } } },
    steps: [
      [
        0,
        a,
        c,
        info,
        alertOf({ device: 'k', labels: { team: 'kitchen' } }),
        alertOf({ device: 'm', labels: { team: 'mill' } }),
      ],
    ],
    until: 100,
    told: ['10: raised k'],
  },
  {
    claim: 'most urgent first',
    steps: [[0, info, a, critical]],
    until: 60,
    told: ['10: raised x, raised a, raised i'],
  },
  {
    claim: 'machines are told at once, each state, no reminders',
    tells: 'states',
    pace: { remindEvery: '1m' },
    steps: [
      [0, a],
      [3, b],
      [60, cleared(a)],
    ],
    until: 300,
    told: ['0: raised a', '3: raised b', '60: cleared a'],
  },
  {
    claim: 'what a machine never had as active does not end',
    tells: 'states',
    steps: [[0, cleared(a), withdrawn(b)]],
    until: 300,
    told: [],
  },
  {
    claim: 'a silence starts no machine, and stops none from ending',
    tells: 'states',
    steps: [
      [0, b],
      [1, silent(1, 100), a],
      [2, (t) => t.silence({ seconds: [1, 100], id: 'y' }), cleared(b)],
    ],
    until: 200,
    told: ['0: raised b', '2: cleared b', '100: raised a'],
  },
  {
    claim: 'the end of an episode does not end the next one of a machine',
    tells: 'states',
    steps: [
      [0, a],
      [1, alertOf({ device: 'a', start: t0 + 600_000 })],
      [2, cleared(a)],
    ],
    until: 200,
    told: ['0: raised a', '1: raised a'],
  },
]

function play({ steps, until, ...options }: Case): Timeline {
  const timeline = new Timeline(options)
  for (const [seconds, ...what] of steps) {
    timeline.until(seconds - 1)
    for (const one of what) {
      if (typeof one === 'function') one(timeline)
      else timeline.take(one)
    }
  }
  return timeline.until(until)
}

describe('what is told when', () => {
  it.each(cases)('$claim', (one) => {
    expect(play(one).told).toEqual(one.told)
  })

  it.each(cases)('the same where each change comes twice: $claim', (one) => {
    const twice = (what: Step): Step[] => (typeof what === 'function' ? [what] : [what, what])
    const steps = one.steps.map(([at, ...what]): Case['steps'][number] => [at, ...what.flatMap(twice)])
    expect(play({ ...one, steps }).told).toEqual(one.told)
  })
})
