import { readFileSync } from 'node:fs'
import { freemem, loadavg, totalmem, uptime } from 'node:os'
import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import type { Room } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({
  ...timing,
  /** File with the processor's temperature in thousandths of a degree; left out where it cannot be read. */
  temperatureFile: z.string().default('/sys/class/thermal/thermal_zone0/temp'),
})

/** This machine itself, measured: load of one minute, memory in use, processor temperature, uptime. */
export const host = definePlugin<typeof settings, Room, Sensor>({
  type: 'host',
  settings,
  create({ temperatureFile }) {
    const readers = [
      { metric: 'load', read: () => loadavg()[0] ?? Number.NaN },
      { metric: 'memory', read: () => 100 * (1 - availableBytes() / totalmem()) },
      { metric: 'cpu-temperature', read: () => milli(temperatureFile) },
      { metric: 'uptime', read: () => uptime() },
    ].filter(({ read }) => Number.isFinite(read()))
    return {
      metrics: readers.map(({ metric }) => metric),
      read: (_atMs, index) => readers[index]?.read() ?? Number.NaN,
      measured: true,
    }
  },
})

/** `MemAvailable` where there is one: `freemem` counts the page cache as used on some systems. */
function availableBytes(): number {
  const found = /^MemAvailable:\s+(\d+) kB/m.exec(readText('/proc/meminfo'))
  return found ? Number(found[1]) * 1024 : freemem()
}

function milli(file: string): number {
  const text = readText(file).trim()
  return text === '' ? Number.NaN : Number(text) / 1000
}

/** Empty where the file cannot be read. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
