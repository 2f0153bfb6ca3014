import { silentLogger } from '@millrace/pipeline'
import { expect, test } from 'vitest'
import type { Spooled } from '../received.ts'
import type { Intake } from './intake.ts'
import { Receiver } from './receiver.ts'

const message = { topic: '', head: undefined, body: new Uint8Array(1), setAside: [] } as unknown as Spooled

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  'from when a hold is granted nothing is committed: asked %i steps after a message',
  async (steps) => {
    let committing = 0
    const intake = {
      nowMs: 0,
      async commit() {
        committing++
        await new Promise((resolve) => setTimeout(resolve, 5))
        committing--
        return []
      },
    } as unknown as Intake
    const receiver = new Receiver({ intake, log: silentLogger, committed: () => undefined, failed: () => undefined })
    const stopping = new AbortController()
    const running = receiver.run(stopping.signal)
    await new Promise((resolve) => setTimeout(resolve, 1))
    const kept = receiver.offer(message)
    for (let step = 0; step < steps; step++) await Promise.resolve()
    const release = await receiver.hold()
    expect(committing).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(committing).toBe(0)
    release()
    expect(await kept).toBe(true)
    stopping.abort()
    await running
  },
)
