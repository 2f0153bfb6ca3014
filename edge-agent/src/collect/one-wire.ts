import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { type Poll, PolledSource, type SensorContext, type SensorProblem, type SensorReport } from './polled-source.ts'
import { measurable, readScratchpad } from './scratchpad.ts'
import { deviceNames, nameFrom, sensorSettings } from './sensor-settings.ts'
import { listFolder } from './small-file.ts'

const settings = sensorSettings.extend({
  /** Where the kernel shows the bus. */
  root: z.string().min(1).default('/sys/bus/w1/devices'),
  /** By id, such as `28-000005e2fdc3: boiler`. A device that stands here is reported when it is missing. */
  devices: deviceNames,
})
type Settings = z.output<typeof settings>

/** Families of thermometers: DS18S20, DS1822, DS18B20, DS1825, DS28EA00. */
const thermometer = /^(10|22|28|3b|42)-[0-9a-f]{12}$/

/** Thermometers on a 1-wire bus (DS18B20 and its family), one device each, metric `temperature`. */
export const oneWireSensor = definePlugin({
  type: 'one-wire',
  settings,
  create: (options: Settings, context: SensorContext) => {
    return new PolledSource({ type: 'one-wire', everyMs: options.every, poll: () => poll(options) }, context)
  },
})

async function poll({ root, devices }: Settings): Promise<Poll> {
  const found = (await listFolder(root)).filter((id) => thermometer.test(id))
  const missing = Object.keys(devices).filter((id) => !found.includes(id))
  const looks = await Promise.all(found.map((id) => look(root, id, devices[id] ?? nameFrom(id))))
  const absent = missing.map((id) => ({ device: devices[id]!, problem: `${id} is not on the bus` }))
  return {
    reports: looks.flatMap((one) => ('readings' in one ? [one] : [])),
    problems: [...absent, ...looks.flatMap((one) => ('problem' in one ? [one] : []))],
  }
}

async function look(root: string, id: string, device: string): Promise<SensorReport | SensorProblem> {
  const outcome = await readThermometer(join(root, id))
  if (typeof outcome === 'string') return { device, problem: `${id}: ${outcome}` }
  return { device, readings: { temperature: outcome } }
}

/**
 * °C, or what is wrong. `w1_slave` shows the bytes as they came, so they can be checked here; `temperature` is the
 * kernel's own conversion, for kernels that show nothing else.
 */
async function readThermometer(folder: string): Promise<number | string> {
  try {
    return readScratchpad(await readFile(join(folder, 'w1_slave'), 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') return `cannot be read (${code})`
  }
  const text = await readFile(join(folder, 'temperature'), 'utf8').catch(() => '')
  const milli = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(milli)) return 'gave no temperature'
  return milli === powerOnMilli ? 'has lost power and not measured since' : measurable(milli / 1000)
}

const powerOnMilli = 85_000
