import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig, UsageError } from '@millrace/pipeline'
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
