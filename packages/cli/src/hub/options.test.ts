import type { UsageError } from '@millrace/pipeline'
import { expect, it } from 'vitest'
import { type HubFlags, readHubFlags } from './options.ts'

const flags: HubFlags = { dataDir: './hub', host: '127.0.0.1', mqttPort: '8883', amqpPort: '5672', amqpsPort: '5671' }

it('gives the hub what was said, and nothing for what was not', () => {
  expect(readHubFlags(flags)).toEqual({
    options: {
      dataDir: './hub',
      host: '127.0.0.1',
      ports: { mqtt: 8883, amqp: 5672, amqps: 5671 },
      limits: {},
      eventHubs: [],
    },
    devices: [],
    httpsPort: undefined,
  })
  const key = Buffer.alloc(32, 7).toString('base64')
  const said = { partitions: '2', eventHub: ['a', 'b:8'], throttle: '100', quota: '8000', retention: '6h' }
  expect(readHubFlags({ ...flags, ...said, groupEnrollment: key, device: ['pi'], httpsPort: '0' })).toMatchObject({
    options: {
      partitions: 2,
      eventHubs: [
        { name: 'a', partitions: 4 },
        { name: 'b', partitions: 8 },
      ],
      limits: { telemetryPerSecond: 100, dailyBlocks: 8000 },
      retentionMs: 21_600_000,
      provisioning: { groups: [{ name: 'millrace', primaryKey: key }] },
    },
    devices: ['pi'],
    httpsPort: 0,
  })
})

it('names every wrong flag at once', () => {
  const wrong = {
    mqttPort: '70000',
    httpsPort: 'https',
    partitions: '9',
    eventHub: ['fine', 'not fine'],
    groupEnrollment: 'short',
    throttle: '-1',
    quota: '0',
    retention: 'long',
    maxBytes: 'much',
    device: ['fine', 'a b/../c'],
  }
  let problems: string[] = []
  try {
    readHubFlags({ ...flags, ...wrong })
  } catch (error) {
    problems = (error as UsageError).problems.map(({ path, found }) => `${path} ${found}`)
  }
  expect(problems.sort()).toEqual([
    '--device a b/../c',
    '--event-hub not fine',
    '--group-enrollment short',
    '--https-port https',
    '--max-bytes much',
    '--mqtt-port 70000',
    '--partitions 9',
    '--quota 0',
    '--retention long',
    '--throttle -1',
  ])
})
