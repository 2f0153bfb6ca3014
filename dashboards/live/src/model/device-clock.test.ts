import type { DeviceClocksStatus, StatusBody } from '@millrace/contracts'
import { expect, test } from 'vitest'
import { clockWords, stateWords, worstWords } from './device-clock.ts'

const nowMs = Date.UTC(2026, 0, 1)
const states = { good: 3, skewed: 0, drifting: 0, jumped: 0, unknown: 0 }
const off = { site: 's', device: 'off', state: 'skewed' as const, offsetMs: -7_200_000, driftPpm: 12 }

function agent(devices: Partial<DeviceClocksStatus>): StatusBody {
  return {
    ...{ v: 1, agent: 'a', site: 's', online: true },
    clock: { source: 'system', devices: { states, worst: [], restamped: 0, ...devices } },
  }
}

const words = (status: StatusBody, device = 'off') => clockWords([status], { site: 's', device }, nowMs)

test('a clock that is off is said how far, and that lateness looks the same where it is behind', () => {
  expect(words(agent({ worst: [off] }))).toMatchObject({ text: 'clock 2 h behind', level: 'bad' })
  expect(words(agent({ worst: [off] }))?.title).toBe(
    'By its agent’s time: 2 h behind, gains 1.0 s a day. Messages that always take that long look the same.',
  )
  expect(words(agent({ worst: [{ ...off, state: 'drifting', offsetMs: 40 }] }))?.text).toBe('clock gains 1.0 s a day')
})

test('a jump is said with its size and when', () => {
  const jump = { sizeMs: 3_600_000, atMs: nowMs - 120_000 }
  const worst = [{ ...off, state: 'jumped' as const, offsetMs: 3_600_000, driftPpm: null, jump }]
  expect(words(agent({ worst }))?.text).toBe('clock jumped 1 h ahead 2 min ago')
})

test('one that is not named is good only where everything not good is named', () => {
  expect(words(agent({}), 'd')).toMatchObject({ text: 'clock good', level: 'good' })
  expect(words(agent({ states: { ...states, skewed: 21 }, worst: [off] }), 'd')).toMatchObject({
    text: '',
    level: 'unknown',
  })
})

test('an unknown clock says why, and an agent that tells nothing is not believed to be well', () => {
  const worst = [{ ...off, state: 'unknown' as const, offsetMs: null, driftPpm: null, reason: 'it sends no time' }]
  expect(words(agent({ states: { ...states, unknown: 1 }, worst }))).toMatchObject({
    text: 'clock not known',
    title: 'Nothing is known of its clock: it sends no time.',
  })
  expect(words({ v: 1, agent: 'a', site: 's', online: true })).toBeUndefined()
})

test('an agent’s clocks in one line, and its worst by name', () => {
  const devices = { states: { ...states, skewed: 1 }, worst: [off], restamped: 0 }
  expect(stateWords(devices)).toBe('3 good, 1 skewed')
  expect(worstWords(devices)).toBe('s/off, 2 h behind')
  expect(worstWords({ ...devices, worst: [] })).toBeUndefined()
})
