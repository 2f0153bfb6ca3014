import { SpoolFullError } from '@millrace/pipeline'
import { recordingLogger, until } from '@millrace/pipeline/testing'
import { expect, it, vi } from 'vitest'
import { Checkpoints } from './checkpoints.ts'

it('makes a checkpoint before the journal outgrows the reserve, and says once what to do when it finds no room', async () => {
  const log = recordingLogger()
  const record = { messages: [] } as never
  let bytes = 99_999
  let tries = 0
  const checkpoints = new Checkpoints({
    ...{ log, reserveBytes: 400_000, uncheckedBytes: () => bytes, patienceMs: () => Number.POSITIVE_INFINITY },
    gatherMs: () => 0,
    checkpoint: ({ write }) => write(record),
    write: async () => {
      tries++
      if (tries < 3) throw new SpoolFullError('full')
    },
    onWritten: () => undefined,
    onFull: () => undefined,
    onFailure: (error) => expect.fail(String(error)),
  })
  checkpoints.tick()
  await Promise.resolve()
  expect(tries).toBe(0)
  bytes++
  checkpoints.tick()
  await until(() => tries === 2, { withinMs: 5_000 })
  expect(checkpoints.problem).toMatch('raise spool.maxBytes')
  await until(() => checkpoints.problem === undefined, { withinMs: 5_000 })
  expect(log.lines.map(({ level }) => level)).toEqual(['error'])
})

it('gathers what closes for as long as it is asked to, but for a journal that grows large', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  const state = { bytes: 1, gatherMs: 120_000, made: 0 }
  const checkpoints = new Checkpoints({
    ...{ log: recordingLogger(), reserveBytes: 64 * 1024 * 1024, patienceMs: () => Number.POSITIVE_INFINITY },
    ...{ uncheckedBytes: () => state.bytes, gatherMs: () => state.gatherMs, write: async () => undefined },
    checkpoint: async () => {
      state.made++
    },
    ...{ onWritten: () => undefined, onFull: () => undefined, onFailure: (error) => expect.fail(String(error)) },
  })
  const at = async (ms: number) => {
    now.mockReturnValue(ms)
    checkpoints.tick()
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    return state.made
  }
  try {
    expect([await at(119_999), await at(120_000), await at(125_000)]).toEqual([0, 1, 1])
    state.gatherMs = 0
    expect(await at(126_000)).toBe(2)
    Object.assign(state, { gatherMs: 120_000, bytes: 8 * 1024 * 1024 })
    expect(await at(126_001)).toBe(3)
  } finally {
    now.mockRestore()
  }
})
