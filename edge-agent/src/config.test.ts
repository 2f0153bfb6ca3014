import { readFileSync } from 'node:fs'
import { loadConfig, parseConfig, UsageError } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { agentConfigSchema } from './config.ts'

const example = new URL('../agent.example.yaml', import.meta.url).pathname
const least = `
agent: pi-1
site: lab
dataDir: ./data/agent
collect: { type: broker }
uplink: { type: mqtt, url: mqtt://127.0.0.1:1884 }
`

function problemsOf(text: string) {
  try {
    parseConfig(text, agentConfigSchema, 'agent.yaml')
  } catch (error) {
    if (error instanceof UsageError) return error.problems.map(({ path }) => path.replace(/ \(.*/, ''))
  }
  return []
}

describe('the config file', () => {
  it('needs five settings, and the example states every default', async () => {
    const config = parseConfig(least, agentConfigSchema, 'agent.yaml')
    expect(await loadConfig(example, agentConfigSchema)).toEqual(config)
  })

  it('is valid with the formats of real devices that the example shows', () => {
    const block = /^# decode:\n(?:# .*\n)+/m.exec(readFileSync(example, 'utf8'))![0].replaceAll(/^# /gm, '')
    expect(parseConfig(`${least}${block}`, agentConfigSchema, 'agent.yaml').decode).toHaveLength(6)
  })

  it('is valid with the uplink to an IoT Hub that the example shows, whose settings have the defaults', () => {
    const block = /^# uplink:.*\n(?:# .*\n)+/m.exec(readFileSync(example, 'utf8'))![0].replaceAll(/^# /gm, '')
    const { uplink } = parseConfig(least.replace(/uplink:.*\n/, block), agentConfigSchema, 'agent.yaml')
    const file = { type: 'iot-hub', connectionStringFile: './iot-hub-connection-string' }
    const bare = least.replace(/uplink:.*/, `uplink: ${JSON.stringify(file)}`)
    expect(uplink).toEqual(parseConfig(bare, agentConfigSchema, 'agent.yaml').uplink)
    expect(uplink).toMatchObject({ ...file, tier: 'S1', protocol: 'mqtt', live: [] })
  })

  it('is valid with the collector of an IoT Hub that the example shows, whose settings have the defaults', () => {
    const block = /^# collect: # or an IoT Hub.*\n(?:# .*\n)+/m
      .exec(readFileSync(example, 'utf8'))![0]
      .replaceAll(/^# /gm, '')
    const { collect } = parseConfig(least.replace(/collect:.*\n/, block), agentConfigSchema, 'agent.yaml')
    const own = { type: 'iot-hub', connectionStringFile: './event-hub', consumerGroup: 'millrace-agent' }
    const bare = least.replace(/collect:.*/, `collect: ${JSON.stringify(own)}`)
    expect(collect).toEqual(parseConfig(bare, agentConfigSchema, 'agent.yaml').collect)
    expect(collect).toMatchObject({ deviceIds: '{device}', topic: 'telemetry/{site}/{device}', identity: 'hub' })
  })

  it.each([
    ["deviceIds: '{device}{site}'", ['collect.deviceIds']],
    ['deviceIds: pump', ['collect.deviceIds']],
    ['topic: telemetry/hall/d1', ['collect.topic']],
    ["topic: 'senml/+/{device}'", ['collect.topic']],
    ['device: no name', ['collect.device']],
  ])('a collector of an IoT Hub with %s is refused', (setting, paths) => {
    const text = `collect: { type: iot-hub, connectionStringFile: f, ${setting} }`
    expect(problemsOf(least.replace(/collect:.*/, text))).toEqual(paths)
  })

  it.each([
    ['uplink: { type: iot-hub, live: [everything] }', ['uplink.live']],
    ['uplink: { type: iot-hub, tier: S9 }', ['uplink.tier']],
    ['uplink: { type: iot-hub, tokenLife: 1s }', ['uplink.tokenLife']],
    ['uplink: { type: iot-hub, provisioning: { registrationId: Pi_1 } }', ['uplink.provisioning']],
  ])('%s is refused', (uplink, paths) => {
    const found = problemsOf(least.replace(/uplink:.*/, uplink))
    for (const path of paths) expect(found.join(' ')).toContain(path)
  })

  it('is refused with every problem at once', () => {
    const text = `${least}windows: { length: 7m, amendFor: 90d, lenght: 1m }\nspool: { whenFull: panic }\nhttp: { port: 99999 }\n`
    expect(problemsOf(text).toSorted()).toEqual(
      expect.arrayContaining(['http.port', 'spool.whenFull', 'windows.amendFor', 'windows.length']),
    )
  })

  it('refuses a window that does not divide one hour or is longer than 30 minutes', () => {
    for (const length of ['0s', '7s', '7m', '1h', '500ms']) {
      expect(problemsOf(`${least}windows: { length: ${length} }`)).toEqual(['windows.length'])
    }
    for (const length of ['1s', '10s', '1m', '5m', '30m']) {
      expect(problemsOf(`${least}windows: { length: ${length} }`)).toEqual([])
    }
  })

  it('holds no secret itself', () => {
    expect(readFileSync(example, 'utf8')).not.toMatch(/^\s*password:/m)
  })
})
