import { pluginSet } from '@millrace/pipeline'
import { DecoderByTopic } from './by-topic.ts'
import type { DecoderContext, FormatContext } from './decoder.ts'
import { JsonDecoder } from './json.ts'
import { mappedDecoder } from './mapped/mapped.ts'
import { senmlDecoder } from './senml/senml.ts'

export { BatchBuilder, type Envelope } from './batch-builder.ts'
export type { DecoderByTopic } from './by-topic.ts'
export type { DeadLetter } from './dead-letters.ts'
export type { Decoder, DecoderContext, FormatContext, Trace } from './decoder.ts'
export { presetNames } from './mapped/presets/index.ts'
export { catalogued, type DecoderNames, type Quantity } from './names.ts'

/** Every payload format beside the contract's JSON, which is always understood on `telemetry/...`. */
export const decoders = pluginSet([mappedDecoder, senmlDecoder])

/** As `createDecoders`, of no further format. */
export function createDecoder(context: DecoderContext): DecoderByTopic {
  return new DecoderByTopic(new JsonDecoder(context), [])
}

/** The contract's JSON and these formats, each on its own topics. */
export async function createDecoders(
  formats: readonly { type: string }[],
  context: FormatContext,
): Promise<DecoderByTopic> {
  const created = await Promise.all(formats.map((settings) => decoders.create(settings, context)))
  return new DecoderByTopic(new JsonDecoder(context), created)
}
