import type { Alert } from '@millrace/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type CompiledRule, createEngine, type Engine, type RuleStateChange } from './index.ts'
import { messages, minute, row, rulesOf, t0 } from './testing/rows.ts'

const evidence = { recording: 'r', catches: [{ from: 0, to: 1 }], misses: [{ from: 0, to: 1 }] }
const rules: readonly CompiledRule[] = rulesOf(
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
/** Name of a call and what it is told. */
type Step = {
  [Call in 'windows' | 'completeness' | 'readings' | 'heard' | 'agent' | 'advance' | 'use']: [
    Call,
    Parameters<Engine[Call]>[0],
  ]
}['windows' | 'completeness' | 'readings' | 'heard' | 'agent' | 'advance' | 'use']

const tellers: Record<Step[0], fc.Arbitrary<Step>> = {
  windows: fc
    .record({ at: fc.nat(2_000), values: fc.array(value, { maxLength: 60, minLength: 1 }), device, rev: fc.nat(2) })
    .map(({ at, values, device, rev }) => [
      'windows',
      values.map((one, n) => row(at + n, one, { device, rev, agent: 'e', increase: n % 9 })),
    ]),
  completeness: fc
    .record({ at: fc.nat(30), came: fc.constantFrom(40, 55, 60) })
    .map(({ at, came }) => ['completeness', [messages(at, came)]]),
  readings: fc.record({ at: fc.nat(2_000), values: fc.array(value), device }).map(({ at, values, device }) => [
    'readings',
    values.map((one, n) => {
      return { site: 'hall', device, metric: 'temperature', unit: '°C', ts: t0 + (at + n) * 3_000, value: one }
    }),
  ]),
  heard: fc
    .record({ at, device, agent: fc.constantFrom('e', 'f') })
    .map(({ at, device, agent }) => ['heard', [{ site: 'hall', device, agent, ts: t0 + at * minute + 1 }]]),
  agent: fc
    .record({ at, agent: fc.constantFrom('e', 'f'), online: fc.boolean(), since: fc.option(fc.nat(600)) })
    .map(({ at, agent, online, since }) => [
      'agent',
      { site: 'hall', agent, at: t0 + at * minute, online, ...(since === null ? {} : { since: t0 + since * minute }) },
    ]),
  advance: at.map((minutes) => ['advance', t0 + minutes * minute]),
  use: fc.subarray([...rules]).map((some) => ['use', some]),
}

/** What a failure prints of a step. */
function brief([call, what]: Step): string {
  if (call === 'windows')
    return `windows ${what.map((one) => `${one.device} ${(one.start - t0) / minute}r${one.rev}=${one.mean}`)}`
  if (call === 'use') return `use ${what.map(({ id }) => id)}`
  return `${call} ${JSON.stringify(what)}`
}

const steps = fc.array(
  fc
    .record({
      step: fc.oneof(
        { weight: 7, arbitrary: tellers.windows },
        { weight: 2, arbitrary: fc.oneof(tellers.completeness, tellers.readings) },
        { weight: 5, arbitrary: fc.oneof(tellers.heard, tellers.agent, tellers.advance) },
        { weight: 1, arbitrary: tellers.use },
      ),
      kill: fc.boolean(),
    })
    .map((one) => ({ ...one, [fc.toStringMethod]: () => `${brief(one.step)}${one.kill ? ' KILL' : ''}\n` })),
  { maxLength: 60, size: 'max' },
)

function tell(engine: Engine, [call, what]: Step): void {
  const told = engine[call] as (what: Step[1]) => void
  told.call(engine, what)
}

function start(saved?: ReadonlyMap<string, Uint8Array>, inForce: readonly CompiledRule[] = rules): Engine {
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
      let inForce: readonly CompiledRule[] = rules
      const saved = new Map<string, Uint8Array>()
      for (const { step, kill } of all) {
        tell(never, step)
        tell(killed, step)
        if (step[0] === 'use') inForce = step[1]
        expect(killed.takeAlerts().sort(byId)).toEqual(never.takeAlerts().sort(byId))
        never.takeChanges()
        keep(saved, killed.takeChanges())
        if (kill) killed = start(new Map(saved), inForce)
        expect(killed.active().sort(byId)).toEqual(never.active().sort(byId))
      }
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
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
