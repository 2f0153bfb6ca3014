import { pluginSet } from '@millrace/pipeline'
import { type Decoder, type DecoderContext, JsonDecoder, jsonDecoder } from './json.ts'

export { BatchBuilder, type Envelope } from './batch-builder.ts'
export type { DeadLetter } from './dead-letters.ts'
export type { Decoder, DecoderContext } from './json.ts'
export type { DecoderNames } from './names.ts'

/** Every payload format the agent understands. */
export const decoders = pluginSet([jsonDecoder])

/** The decoder of an agent whose config names none: JSON. */
export function createDecoder(context: DecoderContext): Decoder {
  return new JsonDecoder(context)
}
