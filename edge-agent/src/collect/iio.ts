import { join } from 'node:path'
import { findMetric } from '@millrace/contracts'
import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { type Poll, PolledSource, type SensorContext } from './polled-source.ts'
import { deviceNames, nameFrom, sensorSettings } from './sensor-settings.ts'
import { listFolder, readNumber, readSmall } from './small-file.ts'

const settings = sensorSettings.extend({
  /** Where the kernel shows industrial I/O devices. */
  root: z.string().min(1).default('/sys/bus/iio/devices'),
  /** By folder or by chip, such as `iio:device0: attic` or `bme280: attic`. One that stands here is reported when it is missing. */
  devices: deviceNames,
})
type Settings = z.output<typeof settings>

interface Channel {
  channel: string
  metric: string
  /** Turns the kernel's unit into ours. */
  scale: number
  /** What no sensor of the kind can measure lies outside; far wider than the catalogue's plausible range, which drops nothing. */
  min: number
  max: number
}

/** Channels of the kernel with our metric. */
const channels: readonly Channel[] = [
  // Thousandths of a degree Celsius, kilopascal and thousandths of a percent are the kernel's units.
  { channel: 'temp', metric: 'temperature', scale: 1 / 1000, min: -273.15, max: 2_500 },
  { channel: 'pressure', metric: 'pressure', scale: 10, min: 0, max: 20_000 },
  { channel: 'humidityrelative', metric: 'humidity', scale: 1 / 1000, min: 0, max: 100 },
  { channel: 'illuminance', metric: 'light', scale: 1, min: 0, max: 1_000_000 },
  { channel: 'concentration_co2', metric: 'co2', scale: 10_000, min: 0, max: 1_000_000 },
]

/** Sensors of the kernel's industrial I/O (BME280, SHT3x, BH1750, ...), one device each. */
export const iioSensor = definePlugin({
  type: 'iio',
  settings,
  create: (options: Settings, context: SensorContext) => {
    return new PolledSource({ type: 'iio', everyMs: options.every, poll: () => poll(options) }, context)
  },
})

async function poll({ root, devices }: Settings): Promise<Poll> {
  const folders = (await listFolder(root)).filter((name) => /^iio:device\d+$/.test(name))
  const looks = await Promise.all(folders.map((folder) => look(root, folder, devices)))
  const met = new Set(looks.flatMap(({ keys }) => keys))
  const missing = Object.entries(devices).filter(([key]) => !met.has(key))
  return {
    reports: looks.filter(({ readings }) => Object.keys(readings).length > 0),
    problems: [
      ...missing.map(([key, device]) => ({ device, problem: `${key} is not there` })),
      ...looks.flatMap(({ device, problem }) => (problem === undefined ? [] : [{ device, problem }])),
    ],
  }
}

async function look(root: string, folder: string, devices: Settings['devices']) {
  const chip = (await readSmall(join(root, folder, 'name'))) ?? 'iio'
  const device = devices[folder] ?? devices[chip] ?? nameFrom(`${chip}-${folder.slice('iio:device'.length)}`)
  const files = new Set(await listFolder(join(root, folder)))
  const readings: Record<string, number> = {}
  const wrong: string[] = []
  for (const one of channels) {
    const { channel, metric, scale } = one
    if (!isThere(channel, files)) continue
    const value = await readChannel(join(root, folder), channel, files)
    const outcome = value === undefined ? `${metric} gave no number` : possible(one, roundedTo(value * scale, 1e-6))
    if (typeof outcome === 'string') wrong.push(outcome)
    else readings[metric] = outcome
  }
  return { device, keys: [folder, chip], readings, ...problemOf(folder, wrong, readings) }
}

function isThere(channel: string, files: ReadonlySet<string>): boolean {
  const has = (kind: string) => files.has(`in_${channel}_${kind}`)
  return has('input') || (has('raw') && has('scale'))
}

/** One for each chip, so that it begins and ends once. */
function problemOf(folder: string, wrong: readonly string[], readings: object): { problem?: string } {
  if (wrong.length > 0) return { problem: `${folder}: ${wrong.join(', ')}` }
  return Object.keys(readings).length === 0 ? { problem: `${folder} gave no reading` } : {}
}

/** The value, or that nothing can measure it: a chip that lies gives no reading. */
function possible({ metric, min, max }: Channel, value: number): number | string {
  return value < min || value > max ? `${metric} is outside ${min} to ${max}${unitOf(metric)}` : value
}

function unitOf(metric: string): string {
  const unit = findMetric(metric)?.unit
  return unit ? ` ${unit}` : ''
}

/** In the kernel's unit: processed where the driver does so, else (raw + offset) * scale; undefined where a file of it holds no number. */
async function readChannel(folder: string, channel: string, files: ReadonlySet<string>): Promise<number | undefined> {
  const read = (kind: string) => readNumber(join(folder, `in_${channel}_${kind}`))
  if (files.has(`in_${channel}_input`)) return await read('input')
  const [raw, scale] = [await read('raw'), await read('scale')]
  const offset = files.has(`in_${channel}_offset`) ? await read('offset') : 0
  return raw === undefined || scale === undefined || offset === undefined ? undefined : (raw + offset) * scale
}

/** Keeps the digits of a change of units out of the value. */
function roundedTo(value: number, step: number): number {
  return Math.round(value / step) / Math.round(1 / step)
}
