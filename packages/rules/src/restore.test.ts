import type { Alert } from '@millrace/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createEngine, type Engine, type RuleStateChange } from './index.ts'
import { messages, minute, row, rulesOf, t0 } from './testing/rows.ts'

const evidence = { recording: 'r', catches: [{ from: 0, to: 1 }], misses: [{ from: 0, to: 1 }] }
const rules = rulesOf(
  { id: 'warm', kind: 'threshold', above: 8, clear: 7, for: '3m' },
  { id: 'cold', kind: 'threshold', below: 6, field: 'min', select: { device: 'a' } },
  { id: 'fast', kind: 'rate', over: '5m', per: '1m', above: 0.7 },
  { id: 'grows', kind: 'increase', over: '10m', above: 50 },
  { id: 'all', kind: 'group', of: 'max', above: 9, for: '2m' },
  { id: 'odd', kind: 'deviation', days: 1, score: 3, evidence },
  { id: 'lost', kind: 'incomplete', missing: 0.1, for: '2m' },
  { id: 'live', kind: 'threshold', on: 'reading', above: 8, clear: 7, for: '10s' },
  { id: 'silent', kind: 'silence', for: '5m' },
  { id: 'offline', kind: 'silence', of: 'agent', for: '3m' },
)

const at = fc.nat(600)
const device = fc.constantFrom('a', 'b', 'c')
const value = fc.constantFrom(5, 7, 7.5, 8, 9, 12)
type Step = (engine: Engine) => void

const window: fc.Arbitrary<Step> = fc.record({ at: fc.nat(2_000), value, device, rev: fc.nat(2) }).map(
  ({ at, value, device, rev }) =>
    (engine) =>
      engine.windows([row(at, value, { device, rev, agent: 'e', increase: 5 })]),
)
const runOfWindows: fc.Arbitrary<Step> = fc
  .record({ at: fc.nat(1_700), values: fc.array(value, { maxLength: 60 }), device })
  .map(
    ({ at, values, device }) =>
      (engine) =>
        engine.windows(values.map((one, n) => row(at + n, one, { device, agent: 'e', increase: n % 9 }))),
  )
const counted: fc.Arbitrary<Step> = fc.record({ at: fc.nat(30), came: fc.constantFrom(40, 55, 60) }).map(
  ({ at, came }) =>
    (engine) =>
      engine.completeness([messages(at, came)]),
)
const reading: fc.Arbitrary<Step> = fc.record({ at: fc.nat(2_000), values: fc.array(value), device }).map(
  ({ at, values, device }) =>
    (engine) =>
      engine.readings(
        values.map((one, n) => ({
          site: 'hall',
          device,
          metric: 'temperature',
          unit: '°C',
          ts: t0 + (at + n) * 3_000,
          value: one,
        })),
      ),
)
const heard: fc.Arbitrary<Step> = fc.record({ at, device, agent: fc.constantFrom('e', 'f') }).map(
  ({ at, device, agent }) =>
    (engine) =>
      engine.heard([{ site: 'hall', device, agent, ts: t0 + at * minute + 1 }]),
)
const spoke: fc.Arbitrary<Step> = fc
  .record({
    at,
    agent: fc.constantFrom('e', 'f'),
    online: fc.boolean(),
    since: fc.option(fc.nat(600), { nil: undefined }),
  })
  .map(
    ({ at, agent, online, since }) =>
      (engine) =>
        engine.agent({
          site: 'hall',
          agent,
          at: t0 + at * minute,
          online,
          ...(since === undefined ? {} : { since: t0 + since * minute }),
        }),
  )
const time: fc.Arbitrary<Step> = at.map((minutes) => (engine) => engine.advance(t0 + minutes * minute))
const otherRules: fc.Arbitrary<Step> = fc.subarray([...rules]).map((some) => (engine) => engine.use(some))

const steps = fc.array(
  fc.record({
    step: fc.oneof(
      { weight: 4, arbitrary: window },
      { weight: 3, arbitrary: runOfWindows },
      { weight: 2, arbitrary: fc.oneof(counted, reading) },
      { weight: 5, arbitrary: fc.oneof(heard, spoke, time) },
      { weight: 1, arbitrary: otherRules },
    ),
    kill: fc.boolean(),
  }),
  { maxLength: 60, size: 'max' },
)

function start(saved?: ReadonlyMap<string, Uint8Array>, inForce: readonly (typeof rules)[number][] = rules): Engine {
  return createEngine({ rules: inForce, owner: 'cloud', evaluator: 'test' }, saved)
}

function keep(saved: Map<string, Uint8Array>, changes: readonly RuleStateChange[]): void {
  for (const { key, bytes } of changes) {
    if (bytes === null) saved.delete(key)
    else saved.set(key, bytes)
  }
}

const byId = (a: Alert, b: Alert) => (a.id < b.id ? -1 : Number(a.id > b.id))

it('an engine that goes on from kept state tells what one that never stopped tells, no more and no less', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const never = start()
      let killed = start()
      let inForce: readonly (typeof rules)[number][] = rules
      const saved = new Map<string, Uint8Array>()
      for (const { step, kill } of all) {
        step(never)
        step(
          new Proxy(killed, {
            get: (engine, name: keyof Engine) =>
              name === 'use'
                ? (next: typeof rules) => {
                    inForce = next
                    engine.use(next)
                  }
                : engine[name].bind(engine),
          }),
        )
        expect(killed.takeAlerts().sort(byId)).toEqual(never.takeAlerts().sort(byId))
        never.takeChanges()
        keep(saved, killed.takeChanges())
        if (kill) killed = start(new Map(saved), inForce)
        expect(killed.active().sort(byId)).toEqual(never.active().sort(byId))
      }
    }),
    { numRuns: 300 },
  )
})

it('what is kept of many healthy series is small, and grows by what changes only', () => {
  const engine = start(undefined, rulesOf({ id: 'warm', kind: 'threshold', above: 8, for: '3m' }))
  const minuteOf = (at: number) => Array.from({ length: 10_000 }, (_, n) => row(at, 5, { device: `d${n}` }))
  const bytes = () => engine.takeChanges().reduce((sum, change) => sum + (change.bytes?.length ?? 0), 0)
  engine.windows(minuteOf(0))
  bytes()
  for (let at = 1; at < 30; at++) engine.windows(minuteOf(at))
  expect(bytes()).toBeLessThan(50_000)
  expect(bytes()).toBe(0)
  engine.windows([row(30, 5, { device: 'd77' })])
  expect(bytes()).toBeLessThan(2_000)
})
