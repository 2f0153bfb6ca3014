import type { Clock } from '@millrace/pipeline'
import type { SetAsideInput } from './checkpoint.ts'
import type { AgentConfig } from './config.ts'
import { BatchBuilder, createDecoders, type DecoderByTopic } from './decode/index.ts'
import type { Names } from './names.ts'
import type { Intake } from './spool/index.ts'

export interface IntakeParts {
  names: Names
  config: Pick<AgentConfig, 'decode' | 'site'>
  clock: Clock
}

/** The decoders with the columns and dead letters of the next group commit. */
export async function createIntake(parts: IntakeParts): Promise<Intake & { decoder: DecoderByTopic }> {
  const { names, config, clock } = parts
  const columns = new BatchBuilder()
  const decoder = await createDecoders(config.decode, { names, columns, site: config.site })
  return {
    decoder,
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
