import { expect, it } from 'vitest'
import { Pressure, type PressureOptions } from './pressure.ts'

/** A full spool of 100 bytes, 10 of them reserved; a shorter span frees nothing. */
function setUp(spec: Partial<PressureOptions>) {
  const done: string[] = []
  let used = 95
  let spanMs = 1_000
  let kept = true
  const pressure = new Pressure({
    ...{ whenFull: 'drop-oldest', maxBytes: 100, reserveBytes: 10, usedBytes: async () => used },
    diskFull: async () => false,
    shorterSpan: () => {
      spanMs = Math.max(100, spanMs / 2)
      return { kind: 'span', amendSpanMs: spanMs } as ReturnType<PressureOptions['shorterSpan']>
    },
    append: () => void done.push('shorter span'),
    checkpoint: async () => void done.push('checkpoint'),
    checkpointWaits: () => false,
    giveUpKept: async () => {
      if (kept) done.push('kept')
      kept = false
    },
    dropOldest: async () => {
      done.push('drop')
      used -= 10
    },
    resume: () => void done.push('resume'),
    ...spec,
  })
  pressure.onFull()
  return { pressure, done }
}

it('gives up sets first, and messages only where no sets are left and it may', async () => {
  const may = setUp({})
  await may.pressure.tick()
  expect(may.done.slice(0, 2)).toEqual(['shorter span', 'checkpoint'])
  expect(may.done.slice(-3)).toEqual(['kept', 'drop', 'resume'])
  const mayNot = setUp({ whenFull: 'refuse' })
  await mayNot.pressure.tick()
  expect(mayNot.done).not.toContain('drop')
  expect(mayNot.pressure.full).toBe(true)
})

it('gives up messages though a checkpoint waits for the room that they make', async () => {
  let waits = false
  const { pressure, done } = setUp({
    checkpointWaits: () => waits,
    checkpoint: async () => {
      waits = true
    },
  })
  await pressure.tick()
  expect(done).toEqual(['shorter span', 'kept', 'drop'])
  waits = false
  await pressure.tick()
  expect(done.at(-1)).toBe('resume')
})

it('takes nothing more while a checkpoint waits, whatever room there seems to be', async () => {
  let waits = true
  const { pressure, done } = setUp({ usedBytes: async () => 0, checkpointWaits: () => waits })
  await pressure.tick()
  expect([done, pressure.full]).toEqual([[], true])
  waits = false
  await pressure.tick()
  expect([done, pressure.full]).toEqual([['resume'], false])
})

it('asks for no further checkpoint while one waits for room', async () => {
  const { pressure, done } = setUp({ whenFull: 'refuse', checkpointWaits: () => true })
  for (let second = 0; second < 5; second++) await pressure.tick()
  expect(done).toEqual(['kept'])
})
