import { checkConfig, type Message } from '@millrace/pipeline'
import { BatchBuilder } from './batch-builder.ts'
import type { Decoder } from './decoder.ts'
import { createDecoders, decoders } from './index.ts'
import { JsonDecoder } from './json.ts'
import { catalogued, type DecoderNames, type Quantity } from './names.ts'

/** Dictionary for tests of decoders, with its names in order of their ids. */
export class TestNames implements DecoderNames {
  readonly devices = ['-']
  readonly allSeries = ['']
  readonly boots = ['']
  /** Of the series declared so far, by id. */
  readonly quantities = new Map<number, Quantity>()
  readonly #limits: { maxSeries: number; maxDevices: number }

  constructor({ maxSeries = 1e6, maxDevices = 1e6 } = {}) {
    this.#limits = { maxSeries, maxDevices }
  }

  device(site: string, device: string): number {
    return this.#id(this.devices, `${site}/${device}`, this.#limits.maxDevices)
  }

  series(device: number, metric: string): number {
    return this.#id(this.allSeries, `${this.devices[device]}/${metric}`, this.#limits.maxSeries)
  }

  boot(name: string): number {
    return this.#id(this.boots, name, 1e6)
  }

  declare(series: number, quantity: Quantity): void {
    this.quantities.set(series, quantity)
  }

  unitOf(series: number): string {
    const metric = this.allSeries[series]!.split('/').at(-1)!
    return (this.quantities.get(series) ?? catalogued(metric)).unit
  }

  #id(names: string[], name: string, max: number): number {
    const known = names.indexOf(name, 1)
    if (known > 0) return known
    return names.length > max ? 0 : names.push(name) - 1
  }
}

/** Topic, payload, and what the message carries beside them. */
export type TestInput = readonly [topic: string, payload: string | Uint8Array, rest?: Partial<Message>]

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value)

/** Everything that comes out of a fresh decoder for these messages, in rows with names; arrival is at 1000 ms. */
export function decodeAll(inputs: readonly TestInput[], { scans = true, maxSeries = 1e6, maxDevices = 1e6 } = {}) {
  const names = new TestNames({ maxSeries, maxDevices })
  const columns = new BatchBuilder()
  const decoder = new JsonDecoder({ names, columns }, { scans })
  return { ...decodedBy({ decoder, names, columns }, inputs), scanned: decoder.scanned }
}

/** The same with the formats of real devices, as they would stand in a config file; the agent's site is `hall`. */
export async function decodeFormats(
  formats: readonly object[],
  inputs: readonly TestInput[],
  { maxSeries = 1e6, maxDevices = 1e6 } = {},
) {
  const names = new TestNames({ maxSeries, maxDevices })
  const columns = new BatchBuilder()
  const settings = formats.map((format) => checkConfig(format, decoders.schema, 'the test'))
  const decoder = await createDecoders(settings, { names, columns, site: 'hall' })
  return { ...decodedBy({ decoder, names, columns }, inputs), decoder }
}

interface Decoding {
  decoder: Decoder
  names: TestNames
  columns: BatchBuilder
}

function decodedBy({ decoder, names, columns }: Decoding, inputs: readonly TestInput[]) {
  for (const [topic, payload, rest] of inputs) decoder.decode({ topic, body: Buffer.from(payload), ...rest }, 1000)
  const { readings, messages, invalid, taken = [] } = columns.take()
  return {
    names,
    readings: Array.from({ length: readings.length }, (_, at) => ({
      series: names.allSeries[readings.series[at]!]!,
      ts: readings.ts[at]!,
      seq: orNull(readings.seq[at]!),
      boot: names.boots[readings.boot[at]!]!,
      value: readings.value[at]!,
      flags: readings.flags[at]!,
    })),
    messages: Array.from({ length: messages.length }, (_, at) => ({
      device: names.devices[messages.device[at]!]!,
      ts: messages.ts[at]!,
      seq: orNull(messages.seq[at]!),
      boot: names.boots[messages.boot[at]!]!,
      flags: messages.flags[at]!,
    })),
    invalid: invalid.map(({ device, reason, count }) => ({ device: names.devices[device]!, reason, count })),
    taken: taken.map(({ device, count }) => ({ device: names.devices[device]!, count })),
    deadLetters: decoder.takeDeadLetters(),
  }
}

/** Each reading as `site/device/metric value unit`, in order. */
export function readingLines({ names, readings }: Pick<ReturnType<typeof decodedBy>, 'names' | 'readings'>): string[] {
  return readings.map(({ series, value }) =>
    `${series} ${value} ${names.unitOf(names.allSeries.indexOf(series))}`.trimEnd(),
  )
}
