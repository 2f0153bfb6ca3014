import { join } from 'node:path'
import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { PolledSource, type SensorContext } from './polled-source.ts'
import { deviceNames, nameFrom, sensorSettings } from './sensor-settings.ts'
import { listFolder, readNumber, readSmall } from './small-file.ts'

const settings = sensorSettings.extend({
  /** Where the kernel shows industrial I/O devices. */
  root: z.string().min(1).default('/sys/bus/iio/devices'),
  /** By folder or by chip, such as `iio:device0: attic` or `bme280: attic`. One that stands here is reported when it is missing. */
  devices: deviceNames,
})
type Settings = z.output<typeof settings>

/** Channels of the kernel with our metric and what turns the kernel's unit into ours. */
const channels: readonly { channel: string; metric: string; scale: number }[] = [
  // Thousandths of a degree Celsius, kilopascal and thousandths of a percent are the kernel's units.
  { channel: 'temp', metric: 'temperature', scale: 1 / 1000 },
  { channel: 'pressure', metric: 'pressure', scale: 10 },
  { channel: 'humidityrelative', metric: 'humidity', scale: 1 / 1000 },
  { channel: 'illuminance', metric: 'light', scale: 1 },
  { channel: 'concentration_co2', metric: 'co2', scale: 10_000 },
]

/** Sensors of the kernel's industrial I/O (BME280, SHT3x, BH1750, ...), one device each. */
export const iioSensor = definePlugin({
  type: 'iio',
  settings,
  create: (options: Settings, context: SensorContext) => {
    return new PolledSource({ type: 'iio', everyMs: options.every, poll: () => poll(options) }, context)
  },
})

async function poll({ root, devices }: Settings) {
  const folders = (await listFolder(root)).filter((name) => /^iio:device\d+$/.test(name))
  const looks = await Promise.all(folders.map((folder) => look(root, folder, devices)))
  const met = new Set(looks.flatMap(({ keys }) => keys))
  const missing = Object.entries(devices).filter(([key]) => !met.has(key))
  const silent = looks.filter(({ readings }) => Object.keys(readings).length === 0)
  return {
    reports: looks.filter(({ readings }) => Object.keys(readings).length > 0),
    problems: [
      ...missing.map(([key, device]) => ({ device, problem: `${key} is not there` })),
      ...silent.map(({ device, keys }) => ({ device, problem: `${keys[0]} gave no reading` })),
    ],
  }
}

async function look(root: string, folder: string, devices: Settings['devices']) {
  const chip = (await readSmall(join(root, folder, 'name'))) ?? 'iio'
  const device = devices[folder] ?? devices[chip] ?? nameFrom(`${chip}-${folder.slice('iio:device'.length)}`)
  const readings: Record<string, number> = {}
  for (const { channel, metric, scale } of channels) {
    const value = await readChannel(join(root, folder, `in_${channel}`))
    if (value !== undefined) readings[metric] = roundedTo(value * scale, 1e-6)
  }
  return { device, keys: [folder, chip], readings }
}

/** In the kernel's unit: processed where the driver does so, else (raw + offset) * scale. */
async function readChannel(path: string): Promise<number | undefined> {
  const processed = await readNumber(`${path}_input`)
  if (processed !== undefined) return processed
  const raw = await readNumber(`${path}_raw`)
  const scale = await readNumber(`${path}_scale`)
  if (raw === undefined || scale === undefined) return undefined
  return (raw + ((await readNumber(`${path}_offset`)) ?? 0)) * scale
}

/** Keeps the digits of a change of units out of the value. */
function roundedTo(value: number, step: number): number {
  return Math.round(value / step) / Math.round(1 / step)
}
