import { statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { nameSchema } from '@millrace/contracts'
import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { PolledSource, type SensorContext, type SensorReport } from './polled-source.ts'
import { nameFrom, sensorSettings } from './sensor-settings.ts'
import { listFolder, readNumber, readSmall } from './small-file.ts'

const settings = sensorSettings.extend({
  /** Name of this machine as a device; its host name unless set. */
  device: nameSchema.optional(),
  /** The file system whose use is reported. */
  disk: z.string().min(1).default('/'),
  sys: z.string().min(1).default('/sys'),
  proc: z.string().min(1).default('/proc'),
})
type Settings = z.output<typeof settings>

/** This machine as a device: `cpu-temperature`, `memory`, `disk`, `load`, `uptime`, on a Pi `under-voltage` and `throttled`. */
export const hostSensor = definePlugin({
  type: 'host',
  settings,
  create: (options: Settings, context: SensorContext) => {
    return new PolledSource({ type: 'host', everyMs: options.every, poll: () => poll(options) }, context)
  },
})

async function poll(options: Settings): Promise<{ reports: SensorReport[]; problems: [] }> {
  const device = options.device ?? nameFrom(hostname())
  const values: Record<string, number | undefined> = {
    'cpu-temperature': await cpuTemperature(options),
    memory: await usedMemory(options),
    disk: await usedDisk(options),
    load: numberIn(await readSmall(join(options.proc, 'loadavg')), /^([\d.]+)/),
    uptime: numberIn(await readSmall(join(options.proc, 'uptime')), /^([\d.]+)/),
    ...(await powerSupply(options)),
  }
  const readings = Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined),
  )
  return { reports: [{ device, readings }], problems: [] }
}

async function cpuTemperature({ sys }: Settings): Promise<number | undefined> {
  const milli = await readNumber(join(sys, 'class/thermal/thermal_zone0/temp'))
  return milli === undefined ? undefined : milli / 1000
}

/** Percent that programs could not get: the page cache counts as free. */
async function usedMemory({ proc }: Settings): Promise<number | undefined> {
  const text = await readSmall(join(proc, 'meminfo'))
  const total = numberIn(text, /^MemTotal:\s+(\d+)/m)
  const available = numberIn(text, /^MemAvailable:\s+(\d+)/m)
  return total === undefined || available === undefined ? undefined : percent(total - available, total)
}

/** Percent that an ordinary user could not get. */
async function usedDisk({ disk }: Settings): Promise<number | undefined> {
  try {
    const { blocks, bavail, bfree } = await statfs(disk)
    return percent(blocks - bfree, blocks - bfree + bavail)
  } catch {
    return undefined
  }
}

/** What a Raspberry Pi says of its power: bits 0 to 3 of its firmware's word are now, 16 to 19 since its start. */
async function powerSupply({ sys }: Settings): Promise<Record<string, number | undefined>> {
  const word = await readSmall(join(sys, 'devices/platform/soc/soc:firmware/get_throttled'))
  if (word !== undefined) {
    const bits = Number.parseInt(word, 16)
    return Number.isNaN(bits) ? {} : { 'under-voltage': bits & 1, throttled: bits & 0b1110 ? 1 : 0 }
  }
  return { 'under-voltage': await voltageAlarm(join(sys, 'class/hwmon')) }
}

/** Newer kernels show the same alarm as a hardware monitor. */
async function voltageAlarm(folder: string): Promise<number | undefined> {
  for (const name of await listFolder(folder)) {
    if ((await readSmall(join(folder, name, 'name'))) !== 'rpi_volt') continue
    return await readNumber(join(folder, name, 'in0_lcrit_alarm'))
  }
  return undefined
}

function numberIn(text: string | undefined, pattern: RegExp): number | undefined {
  const found = text === undefined ? null : pattern.exec(text)
  return found ? Number(found[1]) : undefined
}

function percent(part: number, whole: number): number | undefined {
  return whole > 0 ? Math.round((part / whole) * 10_000) / 100 : undefined
}
