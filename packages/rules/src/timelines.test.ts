import type { Alert } from '@millrace/contracts'
import { describe, expect, it } from 'vitest'
import { createEngine, type Engine, type RuleWindow } from './index.ts'
import { minute, row, rulesOf, t0 } from './testing/rows.ts'

/** Each figure is a minute: b bad, w worse, ~ between, g good, . nothing. */
const values: Record<string, number> = { b: 9, w: 12, '~': 7.5, g: 5 }

function minutes(text: string, from = 0, rev = 0): RuleWindow[] {
  return [...text].flatMap((each, at) => (each === '.' ? [] : [row(from + at, values[each]!, { rev })]))
}

interface Case {
  claim: string
  /** What is told in one go each, in this order. */
  told: readonly (readonly RuleWindow[])[]
  /** `change start-end worst`, in minutes; an open end is active. */
  changes: readonly string[]
  /** ms as minutes; 2 unless given. */
  lasting?: number | undefined
  restartBetween?: boolean
}

function text({ change, start, end, value, movedFrom }: Alert): string {
  const at = (ms: number) => (ms - t0) / minute
  const from = movedFrom === null ? '' : ` from ${at(Number(movedFrom.split('/').at(-1)))}`
  return `${change} ${at(start)}-${end === null ? '' : at(end)} ${value}${from}`
}

function engineWith(lasting: number | undefined, saved?: ReadonlyMap<string, Uint8Array>): Engine {
  const rule = { id: 'warm', kind: 'threshold', above: 8, clear: 7, ...(lasting ? { for: `${lasting}m` } : {}) }
  return createEngine({ rules: rulesOf(rule), owner: 'cloud', evaluator: 'test' }, saved)
}

function changesOf({ told, lasting = 2, restartBetween = false }: Case): string[] {
  const saved = new Map<string, Uint8Array>()
  let engine = engineWith(lasting)
  return told.flatMap((rows) => {
    engine.windows(rows)
    const alerts = engine.takeAlerts()
    for (const { key, bytes } of engine.takeChanges()) {
      if (bytes) saved.set(key, bytes)
      else saved.delete(key)
    }
    if (restartBetween) engine = engineWith(lasting, new Map(saved))
    return alerts.map(text)
  })
}

const each = (text: string, from = 0) => minutes(text, from).map((one) => [one])
const day = 1_440

const cases: Case[] = [
  { claim: 'nothing bad tells nothing', told: each('gggg'), changes: [] },
  { claim: 'bad for less than it must last tells nothing', told: each('gbgbg'), changes: [] },
  {
    claim: 'it is raised when it has lasted, and dated from its first bad minute',
    told: each('gbb'),
    changes: ['raised 1- 9'],
  },
  { claim: 'not a minute later', told: each('gbbb'), changes: ['raised 1- 9'] },
  {
    claim: 'without a time it must last, the first bad minute raises it',
    told: each('gb'),
    lasting: 0,
    changes: ['raised 1- 9'],
  },
  { claim: 'three minutes are not two', told: each('gbbg'), lasting: 3, changes: [] },
  { claim: 'three minutes are three', told: each('gbbbg'), lasting: 3, changes: ['raised 1- 9', 'cleared 1-4 9'] },
  { claim: 'it clears at its first good minute', told: each('bbg'), changes: ['raised 0- 9', 'cleared 0-2 9'] },
  { claim: 'between bad and good it goes on', told: each('bb~~~'), changes: ['raised 0- 9'] },
  { claim: 'between bad and good, what is pending is forgotten', told: each('b~b~b'), changes: [] },
  { claim: 'a good minute makes what is pending forgotten', told: each('bgb'), changes: [] },
  { claim: 'worse is told, the same or better is not', told: each('bbwbw'), changes: ['raised 0- 9', 'raised 0- 12'] },
  { claim: 'the worst of what was pending counts', told: each('wb'), changes: ['raised 0- 12'] },
  {
    claim: 'it is raised again after it cleared',
    told: each('bbgbb'),
    changes: ['raised 0- 9', 'cleared 0-2 9', 'raised 3- 9'],
  },
  {
    claim: 'two that were over when they were learned come once each',
    told: [minutes('bbgbbg')],
    changes: ['cleared 0-2 9', 'cleared 3-5 9'],
  },

  { claim: 'a gap does not fire', told: each('g......g'), changes: [] },
  { claim: 'a gap does not resolve, however long', told: [...each('bb'), ...each('b', 700)], changes: ['raised 0- 9'] },
  {
    claim: 'after a gap of five minutes what is pending still counts',
    told: each('b.....b'),
    changes: ['raised 0- 9'],
  },
  { claim: 'after a gap of six it is forgotten', told: each('b......b'), changes: [] },
  {
    claim: 'a gap as long as it must last is not too long',
    told: each('bbbbb.......bb'),
    lasting: 7,
    changes: ['raised 0- 9'],
  },
  { claim: 'a longer one is', told: each('bbbbb........bb'), lasting: 7, changes: [] },
  { claim: 'the gap itself does not count as bad', told: each('b...bg'), lasting: 3, changes: [] },
  {
    claim: 'good after a gap clears it, dated when it was good',
    told: each('bb...g'),
    changes: ['raised 0- 9', 'cleared 0-5 9'],
  },

  {
    claim: 'doubled minutes tell nothing twice',
    told: [...each('bb'), ...each('bb'), ...each('bbg'), ...each('bbg')],
    changes: ['raised 0- 9', 'cleared 0-2 9'],
  },
  {
    claim: 'backwards is the same in the end',
    told: each('gbbbg').reverse(),
    changes: ['cleared 2-4 9', 'moved 1-4 9 from 2', 'withdrawn 2-4 9'],
  },
  {
    claim: 'late and bad between two that were pending raises it',
    told: [...each('b.b'), minutes('b', 1)],
    lasting: 3,
    changes: ['raised 0- 9'],
  },
  {
    claim: 'late and good inside withdraws it',
    told: [...each('b.bg'), minutes('g', 1)],
    changes: ['raised 0- 9', 'cleared 0-3 9', 'withdrawn 0-3 9'],
  },
  {
    claim: 'late and bad before moves it',
    told: [...each('.bb'), minutes('b', 0)],
    changes: ['raised 1- 9', 'moved 0- 9 from 1', 'withdrawn 1- 9'],
  },
  {
    claim: 'late and bad at its end makes it longer',
    told: [...each('bb.g'), minutes('b', 2)],
    changes: ['raised 0- 9', 'cleared 0-3 9'],
  },
  {
    claim: 'late and good before its end makes it shorter',
    told: [...each('bb..g'), minutes('g', 2)],
    changes: ['raised 0- 9', 'cleared 0-4 9', 'cleared 0-2 9'],
  },
  {
    claim: 'late and good in the middle makes two',
    told: [...each('bb.bbg'), minutes('g', 2)],
    changes: ['raised 0- 9', 'cleared 0-5 9', 'cleared 0-2 9', 'cleared 3-5 9'],
  },
  {
    claim: 'late and bad between two makes them one',
    told: [...each('bbgbb'), minutes('b', 2, 1)],
    changes: ['raised 0- 9', 'cleared 0-2 9', 'raised 3- 9', 'raised 0- 9', 'withdrawn 3- 9'],
  },

  {
    claim: 'an amended minute is judged again: withdrawn',
    told: [...each('bb'), minutes('g', 1, 1)],
    changes: ['raised 0- 9', 'withdrawn 0- 9'],
  },
  {
    claim: 'an amended minute is judged again: raised',
    told: [...each('bgg'), minutes('b', 1, 1)],
    changes: ['cleared 0-2 9'],
  },
  {
    claim: 'an older revision that comes later changes nothing',
    told: [minutes('g', 0, 2), minutes('b', 0, 1), minutes('b', 0), minutes('b', 1)],
    lasting: 0,
    changes: ['raised 1- 9'],
  },
  {
    claim: 'the worst is corrected by an amendment',
    told: [...each('bw'), minutes('b', 1, 1)],
    changes: ['raised 0- 12', 'raised 0- 9'],
  },
  {
    claim: 'withdrawn and raised again is the same alert at its next revision',
    told: [...each('bb'), minutes('g', 1, 1), minutes('b', 1, 2)],
    changes: ['raised 0- 9', 'withdrawn 0- 9', 'raised 0- 9'],
  },

  {
    claim: 'a day later an early minute still moves it',
    told: [...each('bb', 61), ...each('b', day - 1), minutes('b', 60)],
    changes: ['raised 61- 9', 'moved 60- 9 from 61', 'withdrawn 61- 9'],
  },
  {
    claim: 'what is older than the horizon is not judged',
    told: [...each('g', 2 * day), minutes('bbb', 0)],
    changes: [],
  },
  {
    claim: 'an alert older than the horizon is kept, and clears',
    told: [...each('bb'), ...each('b', 2 * day), ...each('g', 3 * day)],
    changes: ['raised 0- 9', `cleared 0-${3 * day} 9`],
  },
]

describe('timelines and what is told of them', () => {
  for (const one of cases) {
    it(one.claim, () => expect(changesOf(one)).toEqual(one.changes))
    it(`${one.claim}, with a restart after each`, () =>
      expect(changesOf({ ...one, restartBetween: true })).toEqual(one.changes))
  }
})

it('revisions of an alert count from 0, and say when they were learned', () => {
  const engine = engineWith(2)
  const told = each('bbwg').flatMap((rows, at) => {
    engine.advance(t0 + (at + 1) * minute + 7)
    engine.windows(rows)
    return engine.takeAlerts()
  })
  expect(told.map(({ rev, state, raised, learned }) => [rev, state, (raised - t0) / minute, learned - t0])).toEqual([
    [0, 'active', 2, 2 * minute + 7],
    [1, 'active', 2, 3 * minute + 7],
    [2, 'cleared', 2, 4 * minute + 7],
  ])
  expect(engine.active()).toEqual([])
})

it('windows of five minutes are judged by their length', () => {
  const engine = engineWith(10)
  const long = (at: number, value: number) => row(at, value, { lengthMs: 5 * minute })
  engine.windows([long(0, 9)])
  expect(engine.takeAlerts()).toEqual([])
  engine.windows([long(1, 9)])
  expect(engine.takeAlerts().map(text)).toEqual(['raised 0- 9'])
})
