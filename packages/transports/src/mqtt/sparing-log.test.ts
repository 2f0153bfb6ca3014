import { recordingLogger } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SparingLog } from './sparing-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setUp() {
  const recorded = recordingLogger()
  return { log: new SparingLog(recorded), lines: recorded.lines }
}

it('writes the first lines of a kind, and of those that follow how many there were', () => {
  const { log, lines } = setUp()
  for (let index = 0; index < 1_000; index++) log.write('warn', { index }, 'refused')
  log.write('info', {}, 'ended')
  expect(lines.map(({ message }) => message)).toEqual([...Array.from({ length: 5 }, () => 'refused'), 'ended'])
  vi.advanceTimersByTime(10_000)
  expect(lines.slice(6)).toMatchObject([
    { level: 'warn', fields: { count: 995 }, message: 'refused: more of them, not listed' },
  ])
  log.write('warn', {}, 'refused')
  expect(lines.at(-1)).toMatchObject({ message: 'refused' })
})

it('says nothing more where nothing was left out, and at the end what was', () => {
  const { log, lines } = setUp()
  for (let index = 0; index < 5; index++) log.write('info', {}, 'ended')
  vi.advanceTimersByTime(60_000)
  expect(lines).toHaveLength(5)
  for (let index = 0; index < 7; index++) log.write('warn', {}, 'ended')
  log.close()
  expect(lines.at(-1)).toMatchObject({ level: 'warn', fields: { count: 2 } })
  expect(vi.getTimerCount()).toBe(0)
})
