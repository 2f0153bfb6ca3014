import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Delivery, type Message, silentLogger, systemClock } from '@millrace/pipeline'
import { brokerSource } from '@millrace/transports'
import { median } from './hot-path/measure.ts'
import { MillracePath } from './hot-path/millrace.ts'
import { PlainLoop } from './hot-path/plain.ts'
import { createWorkload } from './hot-path/workload.ts'

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '4' },
  },
})
const devices = Number(values.devices)
const seconds = Number(values.seconds)
const count = devices * seconds
const { startMs } = createWorkload({ devices, seconds: 1, metrics: ['temperature'] })
const feedFile = fileURLToPath(new URL('hot-path/feed.ts', import.meta.url))

async function startFeeder(port: number, qos: number): Promise<ChildProcess> {
  const args = [port, qos, values.connections, devices, seconds].map(String)
  const feeder = fork(feedFile, args, { execArgv: ['--disable-warning=ExperimentalWarning'] })
  await once(feeder, 'message')
  return feeder
}

type Take = (messages: readonly Message[]) => void

/** CPU seconds of this process for all messages, from the first byte to the last acknowledgement. */
async function measure(qos: number, take: Take): Promise<number> {
  let port = 0
  let left = count
  const done = Promise.withResolvers<void>()
  const listening = (address: { port: number }): void => {
    port = address.port
  }
  const context = { clock: systemClock, log: silentLogger, listening }
  const source = await brokerSource.create(brokerSource.settings.parse({ port: 0 }), context)
  await source.start((delivery: Delivery) => {
    take(delivery.messages)
    delivery.ack()
    left -= delivery.messages.length
    if (left === 0) done.resolve()
  })
  const feeder = await startFeeder(port, qos)
  const before = process.cpuUsage()
  feeder.send('go')
  await done.promise
  const { user, system } = process.cpuUsage(before)
  feeder.disconnect()
  await source.stop()
  return (user + system) / 1e6
}

const contestants: { name: string; qos: number; make(): Take }[] = [0, 1].flatMap((qos) => [
  { name: `aedes alone, QoS ${qos}`, qos, make: () => () => undefined },
  {
    name: `+ JSON.parse + Map loop, QoS ${qos}`,
    qos,
    make: () => {
      const loop = new PlainLoop({ percentiles: true })
      return (messages) => loop.take(messages)
    },
  },
  {
    name: `+ decode + windows + journal, QoS ${qos}`,
    qos,
    make: () => {
      const path = new MillracePath({ windows: true, summaries: false, journal: true, clocks: true }, startMs)
      let taken = 0
      return (messages) => {
        path.take(messages, (taken / devices) * 1000)
        taken += messages.length
        if (taken === count && path.readings !== count) throw new Error('readings are missing')
      }
    },
  },
])

const times = contestants.map((): number[] => [])
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const [index, { qos, make }] of contestants.entries()) {
    const cpu = await measure(qos, make())
    if (round > 0) times[index]!.push(cpu)
  }
}

console.log(`${count} messages over ${values.connections} connections, CPU of the broker's process alone,`)
console.log(`medians of ${values.rounds} interleaved rounds; no disk: acknowledged as soon as taken\n`)
for (const [index, { name }] of contestants.entries()) {
  const perMessage = median(times[index]!) / count
  console.log(
    `${name.padEnd(40)} ${(perMessage * 1e9).toFixed(0).padStart(6)} ns/message ${(1e-3 / perMessage).toFixed(0).padStart(5)} k/CPU-s`,
  )
}
