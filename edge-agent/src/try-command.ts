import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { loadConfig, UsageError } from '@millrace/pipeline'
import { agentConfigSchema } from './config.ts'
import { describeTried } from './describe-tried.ts'
import { everyFormat, tryMessage } from './try-message.ts'

export interface TryFlags {
  topic: string
  /** The payload, `@file`, or `-` for standard input. */
  payload: string | undefined
  config: string | undefined
  /** As a broker sends it that had kept it. */
  retained: boolean
  json: boolean
}

async function bodyOf(payload: string | undefined, input: NodeJS.ReadableStream): Promise<Uint8Array> {
  if (payload === undefined) {
    const problem = { path: '--try-payload', found: 'nothing', expected: 'a payload, @file, or - for standard input' }
    throw new UsageError('nothing to try', [problem])
  }
  if (payload === '-') return await buffer(input)
  if (!payload.startsWith('@')) return Buffer.from(payload)
  const file = payload.slice(1)
  return await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read the payload ${file} (${cause.code})`, [], { cause })
  })
}

/** The text to print, and 0, or 1 where no decoder takes the topic. */
export async function tryCommand(
  flags: TryFlags,
  input: NodeJS.ReadableStream,
): Promise<{ text: string; code: number }> {
  const settings = flags.config === undefined ? everyFormat : await loadConfig(flags.config, agentConfigSchema)
  const body = await bodyOf(flags.payload, input)
  const tried = await tryMessage({ topic: flags.topic, body, qos: 1, retain: flags.retained }, settings)
  const text = flags.json ? `${JSON.stringify(tried, null, 2)}\n` : describeTried(tried)
  return { text, code: tried.matched === null ? 1 : 0 }
}
