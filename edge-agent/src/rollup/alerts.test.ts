import { alertsBodySchema, maxBodyBytes } from '@millrace/contracts'
import { expect, it } from 'vitest'
import { alertOf } from '../testing/alerts.ts'
import { alertMessages } from './alerts.ts'

it('spreads many alerts over bodies under the limit, in order, each with a number of its own', () => {
  const alerts = Array.from({ length: 1_000 }, (_, start) => alertOf({ start, message: `über ${'ß'.repeat(start)}` }))
  let seq = 41
  const head = { agent: 'edge-1', spool: 's', epoch: 'e', site: 'hall' }
  const messages = alertMessages(alerts, head, () => ++seq)
  const bodies = messages.map(({ bytes }) => alertsBodySchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))))
  expect(bodies.flatMap((body) => body.alerts)).toEqual(alerts)
  expect(bodies.map((body) => body.seq)).toEqual(bodies.map((_, index) => 42 + index))
  expect(Math.max(...messages.map(({ bytes }) => bytes.byteLength))).toBeLessThan(maxBodyBytes)
  expect(messages.length).toBeLessThan(12)
  expect(alertMessages([], head, () => 0)).toEqual([])
})
