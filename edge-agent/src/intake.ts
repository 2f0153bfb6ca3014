import type { Clock } from '@millrace/pipeline'
import type { SetAsideInput } from './checkpoint.ts'
import { BatchBuilder, createDecoder } from './decode/index.ts'
import type { Names } from './names.ts'
import type { Intake } from './spool/index.ts'

/** The decoder with the columns and dead letters of the next group commit. */
export function createIntake(names: Names, clock: Clock): Intake {
  const columns = new BatchBuilder()
  const decoder = createDecoder({ names, columns })
  return {
    decode: (message, arrivedMonotonicMs) => decoder.decode(message, arrivedMonotonicMs),
    take() {
      const entry = columns.empty ? undefined : { kind: 'data' as const, batch: columns.take() }
      const atMs = clock.now()
      const setAside = decoder.takeDeadLetters().map(({ reason, topic, site, device, count, body }): SetAsideInput => {
        return { atMs, reason, source: topic, site: site ?? '', device: device ?? '', count, body }
      })
      return { entry, setAside }
    },
  }
}
