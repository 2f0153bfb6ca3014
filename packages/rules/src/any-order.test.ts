import type { Alert } from '@millrace/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEngine, type Engine, type RuleWindow } from './index.ts'
import { groupRows, outcomesOf, recount, standing } from './testing/naive.ts'
import { minute, row, rulesOf, t0 } from './testing/rows.ts'

const hour = 3_600_000

/** Good, between, bad and worse for rules with `above: 8, clear: 7`. */
const value = fc.constantFrom(5, 7, 7.5, 8, 9, 12)

/** Minutes of a few hours with pauses, some amended, up to three times. */
const minutes = fc.uniqueArray(fc.nat(180), { maxLength: 90, minLength: 1 })
const revisions = fc.array(value, { minLength: 1, maxLength: 4 })

const rowsOf = (device: string) =>
  minutes.chain((starts) =>
    fc
      .tuple(...starts.map(() => revisions))
      .map((values) => starts.flatMap((at, n) => values[n]!.map((each, rev) => row(at, each, { device, rev })))),
  )

/** Every row at least once, in any order, with repeats, in any pieces. */
function anyOrder(rows: readonly RuleWindow[]) {
  return fc
    .tuple(
      fc.shuffledSubarray([...rows], { minLength: rows.length }),
      fc.array(fc.nat(), { maxLength: 10 }),
      fc.array(fc.nat({ max: rows.length }), { maxLength: 5 }),
    )
    .map(([order, doubled, cuts]) => {
      const all = [...order]
      for (const n of doubled) all.splice(n % (all.length + 1), 0, rows[n % rows.length]!)
      const places = [0, ...cuts.sort((a, b) => a - b), all.length]
      return places.slice(1).map((to, n) => all.slice(places[n], to))
    })
}

function engineOf(rules: ReturnType<typeof rulesOf>): Engine {
  return createEngine({ rules, owner: 'cloud', evaluator: 'test' })
}

function toldBy(engine: Engine, pieces: readonly (readonly RuleWindow[])[]): Alert[] {
  return pieces.flatMap((piece, n) => {
    engine.advance(t0 + n * minute)
    engine.windows(piece)
    return engine.takeAlerts()
  })
}

const rules = {
  threshold: rulesOf({ id: 'r', kind: 'threshold', above: 8, clear: 7, for: '3m' }),
  'threshold at once': rulesOf({ id: 'r', kind: 'threshold', outside: [6, 10] }),
  rate: rulesOf({ id: 'r', kind: 'rate', over: '5m', per: '1m', outside: [-0.7, 0.7], clear: [-0.2, 0.2], for: '2m' }),
}

describe('any order of windows, doubled, amended in any order, gives the alerts of the same windows in order', () => {
  for (const [name, compiled] of Object.entries(rules)) {
    it(name, () => {
      fc.assert(
        fc.property(
          rowsOf('t1').chain((rows) => fc.tuple(fc.constant(rows), anyOrder(rows))),
          ([rows, pieces]) => {
            const alerts = standing(toldBy(engineOf(compiled), pieces))
            expect(outcomesOf(alerts)).toEqual(recount(compiled[0]!, rows))
          },
        ),
        { numRuns: 300 },
      )
    })
  }

  it('increase', () => {
    const [rule] = rulesOf({ id: 'r', kind: 'increase', over: '10m', above: 50, for: '2m' })
    const counter = fc.uniqueArray(fc.nat(60), { maxLength: 60, minLength: 1 }).chain((starts) =>
      fc.tuple(...starts.map(() => fc.tuple(fc.nat(10), fc.nat(9)))).map((steps) => {
        let total = 0
        return starts
          .toSorted((a, b) => a - b)
          .map((at, n) => {
            const [between, inside] = steps[n]!
            total = between === 10 ? 0 : total + between
            const first = total
            total += inside
            return { ...row(at, 0, { increase: inside }), first, last: total }
          })
      }),
    )
    fc.assert(
      fc.property(
        counter.chain((rows) => fc.tuple(fc.constant(rows), anyOrder(rows))),
        ([rows, pieces]) => {
          const alerts = standing(toldBy(engineOf([rule!]), pieces))
          expect(outcomesOf(alerts)).toEqual(recount(rule!, rows))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('group: the mean of three series', () => {
    const [rule] = rulesOf({ id: 'r', kind: 'group', of: 'mean', above: 8, clear: 7, for: '2m' })
    const three = fc.tuple(rowsOf('a'), rowsOf('b'), rowsOf('c')).map((all) => {
      const last = ['a', 'b', 'c'].map((device) => row(181, 5, { device }))
      return [...all.flat(), ...last]
    })
    fc.assert(
      fc.property(
        three.chain((rows) => fc.tuple(fc.constant(rows), anyOrder(rows))),
        ([rows, pieces]) => {
          const alerts = standing(toldBy(engineOf([rule!]), pieces))
          const [plain] = rulesOf({ id: 'r', kind: 'threshold', above: 8, clear: 7, for: '2m' })
          const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length
          expect(outcomesOf(alerts)).toEqual(recount(plain!, groupRows(rows, mean)))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('deviation: days of history first, the newest day in any order', () => {
    const evidence = { recording: 'r', catches: [{ from: 0, to: 1 }], misses: [{ from: 0, to: 1 }] }
    const [rule] = rulesOf({ id: 'r', kind: 'deviation', days: 4, score: 3, clear: 2, for: '2m', evidence })
    const history = [4, 3, 2, 1].flatMap((back) =>
      Array.from({ length: 120 }, (_, at) => row(at - back * 1_440, 6 + ((at * 7 + back) % 5) / 2)),
    )
    fc.assert(
      fc.property(
        rowsOf('t1').chain((rows) => fc.tuple(fc.constant(rows), anyOrder(rows))),
        ([rows, pieces]) => {
          const alerts = standing(toldBy(engineOf([rule!]), [history, ...pieces]))
          const since = (start: number) => start >= t0 - hour
          expect(outcomesOf(alerts).filter(({ start }) => since(start))).toEqual(
            recount(rule!, [...history, ...rows]).filter(({ start }) => since(start)),
          )
        },
      ),
      { numRuns: 60 },
    )
  })
})
