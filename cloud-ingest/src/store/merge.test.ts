import { expect, test } from 'vitest'
import type { ChangedPart, ChangedWindow } from '../changes.ts'
import { minuteMs, noon, summaryRow } from '../testing/rows.ts'
import { mergeParts } from './merge.ts'

function part(n: number, agent: string, more: Partial<ChangedPart> = {}): ChangedPart {
  const { device: _d, metric: _m, unit: _u, start: _s, lengthMs: _l, rev, ...values } = summaryRow({ values: [n] })
  return { agent, spool: `spool-${agent}`, rev, changes: 0, n, late: false, values, ...more }
}

function windowOf(...parts: ChangedPart[]): ChangedWindow {
  const series = { site: 'north', device: 'pump', metric: 'temperature', unit: '°C', seriesId: 1 }
  return { ...series, start: noon, lengthMs: minuteMs, parts }
}

test('a row has the readings of all parts, and the agent and spool of the one that changed last', () => {
  const parts = [part(4, 'b'), part(9, 'c'), part(2, 'a')]
  for (const order of [parts, parts.toReversed()]) {
    expect(mergeParts(windowOf(...order))).toMatchObject({ count: 3, sum: 15, agent: 'c', spool: 'spool-c', parts: 3 })
  }
})

test('its revision rises with every change of any part', () => {
  expect(mergeParts(windowOf(part(1, 'a'))).rev).toBe(0)
  expect(mergeParts(windowOf(part(1, 'a', { changes: 2 }))).rev).toBe(2)
  expect(mergeParts(windowOf(part(1, 'a', { changes: 2 }), part(5, 'b'))).rev).toBe(3)
})
