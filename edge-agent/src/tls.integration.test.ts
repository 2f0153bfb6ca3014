import { type SummariesBody, summariesBodySchema } from '@millrace/contracts'
import { checkConfig, silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { createMqttLink, mqttSettings, readMqttAddress } from '@millrace/transports'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Authority } from '../../packages/transports/testing/certificates.ts'
import { startMosquitto } from '../../packages/transports/testing/mosquitto.ts'
import { agentConfigSchema } from './config.ts'
import { startAgent } from './lives.ts'
import { agentConfig, Bench } from './testing/fixture.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

async function connect(url: string, files: object, clientId: string) {
  const link = createMqttLink({ ...readMqttAddress(mqttSettings.parse({ url, ...files })), clientId })
  bench.onClose(() => link.stop())
  return link
}

test('a reading goes from a certified device through the agent to a Mosquitto that asks for certificates', async () => {
  const folder = await bench.folder()
  const authority = new Authority(folder, 'ours')
  const ca = authority.file
  const server = authority.issue('server')
  const mosquitto = await startMosquitto(folder, [
    ...[`cafile ${ca}`, `certfile ${server.cert}`, `keyfile ${server.key}`, 'user root'],
    ...['require_certificate true', 'use_identity_as_username true', 'allow_anonymous false'],
  ])
  bench.onClose(() => mosquitto.stop())
  const url = `mqtts://127.0.0.1:${mosquitto.port}`
  const bodies: SummariesBody[] = []
  const cloud = await connect(url, { ...authority.issue('ingest'), ca }, 'ingest')
  cloud.subscribe(['millrace/v1/+/+/summaries'], ({ body }) => {
    bodies.push(summariesBodySchema.parse(JSON.parse(Buffer.from(body).toString())))
  })
  await cloud.start()
  const plain = agentConfig({ dataDir: folder, cloudPort: 1, windows: { length: '1s', lateness: '0s', idle: '1s' } })
  const config = checkConfig(
    {
      ...plain,
      collect: { type: 'broker', port: 0, ...server, ca },
      uplink: { type: 'mqtt', url, ...authority.issue('edge-1'), ca },
    },
    agentConfigSchema,
    'the test',
  )
  const agent = await startAgent({ config, clock: systemClock, log: silentLogger })
  bench.onClose(() => agent.stop())
  const device = await connect(`mqtts://127.0.0.1:${agent.mqttPort}`, { ...authority.issue('d1'), ca }, 'd1')
  await device.start()
  const body = Buffer.from(JSON.stringify({ ts: Date.now(), seq: 0, boot: 'a', readings: { temperature: 20 } }))
  await device.publish({ topic: 'telemetry/hall/d1', body })
  await until(() => bodies.some(({ columns }) => columns.device.includes('d1')), { label: 'the summary' })
  expect(agent.pipeline.uplink.connected).toBe(true)
})
