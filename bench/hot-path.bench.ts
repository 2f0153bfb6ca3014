import { arch, cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import type { Message } from '@millrace/pipeline'
import { type Contestant, cpuSeconds, interleave, median } from './hot-path/measure.ts'
import { MillracePath, type Parts } from './hot-path/millrace.ts'
import { PlainLoop } from './hot-path/plain.ts'
import { demandEqual, type Results } from './hot-path/result.ts'
import { createWorkload, type Workload } from './hot-path/workload.ts'

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '5' },
    metrics: { type: 'string', default: 'temperature' },
  },
})

/** Messages of one group commit: what 64 KiB of a socket hold. */
const groupSize = 600
const checkpointEvery = 50
/** Event time between two groups: arrival keeps pace with it. */
const groupMs = (groupSize / Number(values.devices)) * 1000

const workload: Workload = createWorkload({
  devices: Number(values.devices),
  seconds: Number(values.seconds),
  metrics: values.metrics.split(','),
})

/** Event time at the start in which every device is met for the first and the second time: not counted, on either side. */
const warmUpMs = 3_000

/** Makes each group as a transport would, which is not counted, and hands it to `take`, which is. */
function cpuOfGroups(take: (group: Message[], index: number) => void): number {
  let seconds = 0
  for (let index = 0; index * groupSize < workload.messageCount; index++) {
    const group = workload.messages(index * groupSize, (index + 1) * groupSize)
    const cpu = cpuSeconds(() => take(group, index))
    if (index * groupMs >= warmUpMs) seconds += cpu
  }
  return seconds
}

let plainResults: Results = new Map()
let ourResults: Results = new Map()

function plainLoop(name: string, percentiles: boolean): Contestant {
  return {
    name,
    run() {
      const loop = new PlainLoop({ percentiles })
      const seconds = cpuOfGroups((group) => loop.take(group))
      if (percentiles) plainResults = loop.results
      return seconds + cpuSeconds(() => loop.finish())
    },
  }
}

function ours(name: string, parts: Parts): Contestant {
  return {
    name,
    run() {
      const path = new MillracePath(parts, workload.startMs)
      const seconds = cpuOfGroups((group, index) => {
        path.take(group, index * groupMs)
        if (index % checkpointEvery === 0) path.checkpoint()
      })
      const finish = cpuSeconds(() => path.finish())
      if (path.readings !== workload.readings || path.setAside > 0) throw new Error('readings are missing')
      if (parts.summaries) ourResults = path.results
      return seconds + finish
    },
  }
}

const plain = plainLoop('JSON.parse + Map loop, with p95', true)
/** Does no more than our windows do before their summaries: the second ratio is to this one. */
const unsorted = plainLoop('JSON.parse + Map loop, lists unsorted', false)

const contestants: Contestant[] = [
  plain,
  unsorted,
  ours('decode, no clock doctor', { windows: false, summaries: false, journal: false, clocks: false }),
  ours('decode', { windows: false, summaries: false, journal: false, clocks: true }),
  ours('decode + windows', { windows: true, summaries: false, journal: false, clocks: true }),
  ours('decode + windows + journal', { windows: true, summaries: false, journal: true, clocks: true }),
  ours('decode + windows + journal + summaries', { windows: true, summaries: true, journal: true, clocks: true }),
]

const times = interleave(contestants, Number(values.rounds))
demandEqual(ourResults, plainResults)

const counted = workload.readings * (1 - warmUpMs / 1000 / Number(values.seconds))
const bytesEach = (workload.payloadBytes / workload.readings).toFixed(0)
console.log(`${workload.readings} readings of ${bytesEach} B payload each, ${plainResults.size} windows, results equal`)
console.log(`Node ${process.version}, ${cpus()[0]?.model.trim()} (${arch()}), Linux ${release()}`)
console.log(
  `medians of ${values.rounds} interleaved rounds, one thread; ratios: medians of the rounds' ratios to the first line and to the second\n`,
)
function ratioTo({ name }: Contestant, seconds: readonly number[]): string {
  const other = times.get(name)!
  return median(seconds.map((one, round) => other[round]! / one)).toFixed(2)
}

for (const [name, seconds] of times) {
  const perReading = (median(seconds) / counted) * 1e9
  const rate = (1000 / perReading).toFixed(2)
  const ratios = `${ratioTo(plain, seconds).padStart(6)} x ${ratioTo(unsorted, seconds).padStart(6)} x`
  console.log(
    `${name.padEnd(42)} ${perReading.toFixed(0).padStart(6)} ns/reading ${rate.padStart(6)} M/CPU-s ${ratios}`,
  )
}
