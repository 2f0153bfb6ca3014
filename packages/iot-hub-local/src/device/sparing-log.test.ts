import { manualClock } from '@millrace/pipeline'
import { expect, it } from 'vitest'
import { recordingLogger } from '../../../pipeline/testing/index.ts'
import { sparingWarnings } from './sparing-log.ts'

it('the same warning is written once in half a minute, then with how often it was left unsaid', () => {
  const log = recordingLogger()
  const clock = manualClock(0)
  const warn = sparingWarnings(log, clock)
  for (let at = 0; at < 40; at++) {
    warn({ at }, 'refused: pi-01: expired')
    if (at === 5) warn({}, 'refused: pi-02: unknown')
    clock.advance(1000)
  }
  expect(log.lines.map(({ fields, message }) => [message.slice(9, 14), fields.unsaid])).toEqual([
    ['pi-01', undefined],
    ['pi-02', undefined],
    ['pi-01', 29],
  ])
})
