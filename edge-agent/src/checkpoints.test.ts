import { SpoolFullError } from '@millrace/pipeline'
import { recordingLogger, until } from '@millrace/pipeline/testing'
import { expect, it } from 'vitest'
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
