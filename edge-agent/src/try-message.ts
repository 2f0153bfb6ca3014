import type { MetricKind } from '@millrace/contracts'
import type { Message } from '@millrace/pipeline'
import { type ReadingColumns, unstamped } from '@millrace/windows'
import type { AgentConfig } from './config.ts'
import { BatchBuilder, createDecoders, presetNames, type Trace } from './decode/index.ts'
import { Names } from './names.ts'

export interface TriedReading {
  site: string
  device: string
  metric: string
  value: number
  unit: string
  kind: MetricKind
  /** ISO 8601; null where the time of arrival counts. */
  time: string | null
  /** From arrival where `time` is null; before it where negative. */
  afterArrivalMs: number
}

/** What a message would become. */
export interface Tried {
  topic: string
  /** The decoder and its rule that took it; null where none did. */
  matched: { decoder: string; rule: string } | null
  readings: TriedReading[]
  setAside: { what: string; reason: string; why: string; count: number }[]
  /** Members, or the message itself, that are no readings. */
  left: { what: string; why: string }[]
}

export type TrySettings = Pick<AgentConfig, 'site' | 'decode'>

/** For those who have no config yet: every format with its defaults. */
export const everyFormat: TrySettings = {
  site: 'site',
  decode: [
    ...presetNames.map((preset) => ({ type: 'mapped', preset, mappings: [], names: {} })),
    { type: 'senml', topics: ['senml/#'] } as { type: string },
  ],
}

/** Decodes one message as the agent would; nothing is kept. */
export async function tryMessage(message: Message, { site, decode }: TrySettings): Promise<Tried> {
  const tried: Tried = { topic: message.topic, matched: null, readings: [], setAside: [], left: [] }
  const trace: Trace = {
    matched: (decoder, rule) => {
      tried.matched = { decoder, rule }
    },
    setAside: ({ what, reason, why, count }) => tried.setAside.push({ what, reason, why, count }),
    left: (what, why) => tried.left.push({ what, why }),
  }
  const names = new Names({ site, maxSeries: 100_000 })
  const columns = new BatchBuilder()
  const decoder = await createDecoders(decode, { names, columns, site, trace })
  decoder.decode(message, 0)
  tried.readings = readingsOf(columns.take().readings, names)
  return tried
}

function readingsOf({ length, series, ts, value, flags }: ReadingColumns, names: Names): TriedReading[] {
  return Array.from({ length }, (_, at) => {
    const id = series[at]!
    const device = names.deviceOf(id)
    const onArrival = (flags[at]! & unstamped) !== 0
    return {
      ...{
        site: names.siteOf(device),
        device: names.deviceName(device),
        metric: names.metricOf(id),
        value: value[at]!,
      },
      ...{ unit: names.unitOf(id), kind: names.kindOf(id) },
      time: onArrival ? null : new Date(ts[at]!).toISOString(),
      afterArrivalMs: onArrival ? ts[at]! : 0,
    }
  })
}
