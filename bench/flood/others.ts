/** Devices that keep to their quota: `others.ts PORT DEVICES HZ SECONDS`; tells how long each of their PUBACKs took, ms. */
import { setTimeout as delay } from 'node:timers/promises'
import { createMqttLink } from '@millrace/transports'

const [port = 0, devices = 1, hz = 1, seconds = 1] = process.argv.slice(2).map(Number)
const url = `mqtt://127.0.0.1:${port}`

async function connect(name: string): Promise<(seq: number) => Promise<void>> {
  const link = createMqttLink({ url, clientId: name })
  const connected = new Promise<void>((resolve) => link.onConnect(resolve))
  await link.start()
  await connected
  return async (seq) => {
    const body = Buffer.from(JSON.stringify({ ts: Date.now(), seq, boot: 'b', readings: { temperature: 20 } }))
    await link.publish({ topic: `telemetry/bench/${name}`, body })
  }
}

const fleet = await Promise.all(Array.from({ length: devices }, (_, n) => connect(`d${n}`)))
process.send?.('ready')
process.once('message', async () => {
  const latencies: number[] = []
  const waiting: Promise<void>[] = []
  const startMs = performance.now()
  for (let turn = 0; turn < seconds * hz * devices; turn++) {
    await delay(Math.max(0, startMs + (turn * 1000) / (hz * devices) - performance.now()))
    const sentMs = performance.now()
    const publish = fleet[turn % devices]!(Math.floor(turn / devices))
    waiting.push(publish.then(() => void latencies.push(performance.now() - sentMs)))
  }
  await Promise.all(waiting)
  process.send?.({ latencies })
})
process.once('disconnect', () => process.exit())
