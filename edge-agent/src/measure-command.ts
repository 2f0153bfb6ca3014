import { createInterface } from 'node:readline'
import { loadConfig, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { agentConfigSchema } from './config.ts'
import { measureSample, type SampledMessage } from './measure-sample.ts'

const lineSchema = z.object({
  site: z.string(),
  device: z.string(),
  ts: z.number().nullable(),
  seq: z.int().optional(),
  boot: z.string().optional(),
  readings: z.record(z.string(), z.number()),
})

function parseLine(line: string, number: number): SampledMessage | undefined {
  const found = {
    path: `line ${number}`,
    found: line.slice(0, 120),
    expected: 'a message as `simulate --print` prints it',
  }
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && 'end' in value) return undefined
    const { ts, seq, boot, ...message } = lineSchema.parse(value)
    if (ts === null) return undefined
    return { ...message, ts, ...(seq === undefined ? {} : { seq }), ...(boot === undefined ? {} : { boot }) }
  } catch (cause) {
    throw new UsageError('the sample cannot be read', [found], { cause })
  }
}

/** Reads a sample from standard input and gives what the agent would make of it, as one line of JSON. */
export async function measureCommand(configFile: string, input: NodeJS.ReadableStream): Promise<string> {
  const config = await loadConfig(configFile, agentConfigSchema)
  const messages: SampledMessage[] = []
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++
    const message = line.trim() === '' ? undefined : parseLine(line, number)
    if (message) messages.push(message)
  }
  const measured = await measureSample(config, messages)
  if (measured) return `${JSON.stringify(measured)}\n`
  const found = `${messages.length} messages with a time`
  throw new UsageError('the sample is too short to measure', [
    { path: 'standard input', found, expected: 'messages of at least four windows' },
  ])
}
