import type { Clock } from '@millrace/pipeline'
import type { ReadingBatch } from '@millrace/windows'
import type { SetAsideInput } from './checkpoint.ts'
import { type ClockDoctor, skewedClock } from './clocks/index.ts'
import type { AgentConfig } from './config.ts'
import { BatchBuilder, createDecoders, type DecoderByTopic } from './decode/index.ts'
import type { Names } from './names.ts'
import { setAsideInput } from './rollup/index.ts'
import type { Intake } from './spool/index.ts'

export interface IntakeParts {
  names: Names
  config: Pick<AgentConfig, 'decode' | 'site'>
  clock: Clock
  /** Without one every clock is taken as it is. */
  doctor?: ClockDoctor
}

/** The decoders with the columns and dead letters of the next group commit. */
export async function createIntake(parts: IntakeParts): Promise<Intake & { decoder: DecoderByTopic }> {
  const { names, config, clock, doctor } = parts
  const columns = new BatchBuilder(doctor?.clocks)
  const decoder = await createDecoders(config.decode, { names, columns, site: config.site })
  const judge = (batch: ReadingBatch) => doctor?.policy.apply(batch) ?? { batch, setAside: [] }
  return {
    decoder,
    decode: (message, arrivedMonotonicMs) => decoder.decode(message, arrivedMonotonicMs),
    heard: () => columns.arrived(clock.monotonic()),
    take() {
      const judged = columns.empty ? undefined : judge(columns.take())
      const atMs = clock.now()
      const setAside = decoder.takeDeadLetters().map(({ reason, topic, site, device, count, body }): SetAsideInput => {
        return { atMs, reason, source: topic, site: site ?? '', device: device ?? '', count, body }
      })
      for (const one of judged?.setAside ?? [])
        setAside.push(setAsideInput(names, { ...one, reason: skewedClock }, atMs))
      return { entry: judged && { kind: 'data', batch: judged.batch }, setAside }
    },
  }
}
