import { hubBlocks, hubTiers } from '@millrace/contracts'
import { checkConfig } from '@millrace/pipeline'
import { agentConfigSchema } from '../edge-agent/src/config.ts'
import { measureSample, type SampledMessage } from '../edge-agent/src/measure-sample.ts'

// Bytes of summaries on their way to an IoT Hub, and blocks of 4 KB that a day of them is metered as: the agent's own
// code journals, closes and packs the readings of a fleet in some minutes of event time; nothing is sent.
// Ten series a device, a reading of each a second, windows of one minute.
// Usage: npm run bench iot-hub [-- SERIES ...]
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 500, 10_000]
const seriesPerDevice = 10
const minuteMs = 60_000
const startMs = Date.UTC(2026, 2, 1, 12)
/** Lead of two windows, which the sample needs, and those that are measured. */
const minutesOf = (series: number) => (series > 1_000 ? 3 : 6)
/** Names and values of `kind`, `site`, content type and encoding, as a hub counts them. */
const propertyBytes = 64
const metrics = [
  ...['temperature', 'humidity', 'pressure', 'co2', 'voltage', 'current'],
  ...['power', 'vibration', 'flow', 'level'],
]

/** Values as sensors give them: two decimals, a slow wave and some noise; the same at every run. */
function readingOf(device: number, metric: number, second: number): number {
  const noise = ((device * 7_919 + metric * 104_729 + second * 1_299_709) % 1_000) / 1_000
  return Math.round((20 + metric * 10 + 5 * Math.sin(second / 600 + device) + noise) * 100) / 100
}

function fleet(series: number, minutes: number): SampledMessage[] {
  const devices = series / seriesPerDevice
  const messages: SampledMessage[] = []
  for (let second = 0; second < minutes * 60; second++) {
    for (let device = 0; device < devices; device++) {
      const readings = Object.fromEntries(metrics.map((name, metric) => [name, readingOf(device, metric, second)]))
      const ts = startMs + second * 1_000 + (device % 997)
      messages.push({ site: 'hall-1', device: `dev-${device}`, ts, seq: second, boot: 'a1', readings })
    }
  }
  return messages
}

const config = checkConfig(
  {
    ...{ agent: 'pi-01', site: 'hall-1', dataDir: 'unused', collect: { type: 'broker', port: 0 } },
    uplink: { type: 'mqtt', url: 'mqtt://127.0.0.1:1' },
  },
  agentConfigSchema,
  'the bench',
)

const rows: Record<string, string | number>[] = []
for (const series of sizes) {
  const sample = await measureSample(config, fleet(series, minutesOf(series)))
  if (!sample) throw new Error(`no window of ${series} series was measured`)
  const bytes = sample.bodies.reduce((sum, body) => sum + body, 0)
  const blocks = sample.bodies.reduce((sum, body) => sum + hubBlocks(body + propertyBytes, hubTiers.S1), 0)
  const perDay = (24 * 60 * minuteMs) / sample.spanMs
  const floor = Math.ceil(bytes / hubTiers.S1.blockBytes)
  rows.push({
    series,
    'bodies a day': Math.round(sample.bodies.length * perDay),
    'bytes a body': Math.round(bytes / sample.bodies.length),
    'bytes a summary': Math.round(bytes / sample.summaryRows),
    'bytes a reading': Number((bytes / sample.readings).toFixed(2)),
    'blocks a day': Math.round(blocks * perDay),
    'of one S1': `${((blocks * perDay * 100) / hubTiers.S1.blocks).toFixed(1)} %`,
    'wasted in blocks': `${((1 - floor / blocks) * 100).toFixed(1)} %`,
  })
}
console.table(rows)
