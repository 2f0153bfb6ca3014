import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, parseConfig, UsageError } from '@millrace/pipeline'
import { parseEventHub } from '@millrace/transports'
import { expect, test } from 'vitest'
import { configSchema } from './config.ts'

const example = readFileSync(join(import.meta.dirname, '../ingest.example.yaml'), 'utf8')

test('the example is a config, and so is the example with every setting switched on', () => {
  const plain = parseConfig(example, configSchema, 'example')
  const all = example.replace(/^( *)# ( *(?:- )?[a-zA-Z]+:( .*)?)$/gm, '$1$2')
  const whole = parseConfig(all, configSchema, 'example')
  expect(whole.stores.map(({ type }) => type)).toEqual(['duckdb', 'influxdb'])
  const { clockFile: _clockFile, stores: _stores, collect: _collect, http, notify, rules, ...rest } = whole
  expect(http).toMatchObject({ host: '127.0.0.1', port: 8080 })
  expect(rules).toBe('./alert-rules')
  expect(notify).toMatchObject({ channels: [{ type: 'log', name: 'log' }], remindEvery: 4 * 3_600_000 })
  expect(plain).toMatchObject(rest)
})

test('every problem is told at once, with its place', () => {
  const bad =
    'dataDir: x\ncollect: {type: mqtt, url: "http://x"}\nstores: [{type: duckdb}, {type: duckdb}]\ndayZone: Mars\nhtpp: {}\n'
  const fail = () => parseConfig(bad, configSchema, 'ingest.yaml')
  expect(fail).toThrow(UsageError)
  try {
    fail()
  } catch (error) {
    const paths = (error as UsageError).problems.map(({ path }) => path.replace(/ .*/, ''))
    expect(paths.sort()).toEqual(['collect.url', 'dayZone', 'htpp', 'stores'])
  }
})

const hubExample = readFileSync(join(import.meta.dirname, '../ingest-iot-hub.example.yaml'), 'utf8')

test('the example that reads a hub is a config, with checkpoints in files or in Blob storage', () => {
  const file = parseConfig(hubExample, configSchema, 'example')
  expect(file.collect).toEqual({
    ...{ type: 'iot-hub', connectionStringFile: './secrets/event-hub', consumerGroup: 'millrace' },
    ...{ startPosition: 'earliest', identity: 'hub', protocol: 'amqp', maxBatchSize: 100, directDevices: 'set-aside' },
    checkpoints: { type: 'file', dir: './data/ingest/checkpoints' },
  })
  const [before, after] = hubExample.split(/^ {2}checkpoints:\n.*\n.*\n/m)
  const all = `${before}${after}`.replace(/^( *)# ( *[a-zA-Z]+:( .*)?)$/gm, '$1$2')
  const { collect } = parseConfig(all, configSchema, 'example')
  expect(collect).toMatchObject({ checkpoints: { type: 'blob', container: 'checkpoints' } })
})

test.each([
  [
    'a secret in the config itself',
    'connectionString: Endpoint=sb://x',
    ['collect.connectionString', 'collect.connectionStringFile'],
  ],
  ['a start that is no time', 'connectionStringFile: f, startPosition: yesterday', ['collect.startPosition']],
  ['batches without end', 'connectionStringFile: f, maxBatchSize: 1000', ['collect.maxBatchSize']],
])('of a hub, %s is refused', (_name, text, expected) => {
  const checkpoints = 'checkpoints: {type: file, dir: x}'
  const bad = `dataDir: x\ncollect: {type: iot-hub, ${text}, ${checkpoints}}\nstores: [{type: duckdb}]\n`
  try {
    parseConfig(bad, configSchema, 'ingest.yaml')
    expect.unreachable()
  } catch (error) {
    const paths = (error as UsageError).problems?.map(({ path }) => path.replace(/ .*/, ''))
    expect(paths?.sort()).toEqual(expected)
  }
})

test.each([
  [
    "the hub's own connection string",
    'HostName=x.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0',
    /HostName/,
  ],
  [
    'one without the name of the event hub',
    'Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0',
    /without EntityPath/,
  ],
])('%s is refused with what is wanted, and without the secret', (_name, text, found) => {
  try {
    parseEventHub(text)
    expect.unreachable()
  } catch (error) {
    expect(describeError(error)).toMatch(found)
    expect(describeError(error)).toMatch(/collect\.connectionStringFile: .*Built-in endpoints/)
    expect(describeError(error)).not.toMatch(/c2VjcmV0/)
  }
})

test('a connection string in quotes is taken without them', () => {
  const text = 'Endpoint=sb://x:1/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0;EntityPath=hub'
  for (const quote of ['"', "'"]) {
    expect(parseEventHub(`${quote}${text}${quote}`)).toEqual({ connectionString: text, host: 'x:1', hub: 'hub' })
  }
})
