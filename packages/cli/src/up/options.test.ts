import type { UsageError } from '@millrace/pipeline'
import { expect, it } from 'vitest'
import { planClock } from './clock-plan.ts'
import { readUpOptions, type UpFlags } from './options.ts'

const flags: UpFlags = {
  window: '1m',
  httpPort: '8080',
  mqttPort: '1883',
  agentPort: '8081',
  cloudMqttPort: '1884',
  dataDir: './data',
  keys: true,
}

it('names every wrong flag at once', () => {
  const wrong = {
    ...flags,
    window: '7m',
    speed: '0',
    httpPort: 'x',
    duration: 'soon',
    map: 'm.yaml',
    influx: 'db:8086',
  }
  const problems = (() => {
    try {
      readUpOptions(wrong)
      return []
    } catch (error) {
      return (error as UsageError).problems.map(({ path }) => path)
    }
  })()
  expect(problems.toSorted()).toEqual(['--duration', '--http-port', '--influx', '--replay', '--speed', '--window'])
})

it('has InfluxDB as the only store when asked, and needs its URL for that', () => {
  const influx = 'http://127.0.0.1:8086'
  expect(readUpOptions({ ...flags, store: 'influxdb', influx })).toMatchObject({ influx, influxAlone: true })
  expect(readUpOptions({ ...flags, store: 'duckdb', influx })).toMatchObject({ influx, influxAlone: false })
  expect(() => readUpOptions({ ...flags, store: 'influxdb' })).toThrow(/cannot start/)
  expect(() => readUpOptions({ ...flags, store: 'sqlite' })).toThrow(/cannot start/)
})

it('publishes six hours of the past with the live fleet alone', () => {
  expect(readUpOptions(flags).simulator).toEqual(['--history', '6h'])
  expect(readUpOptions({ ...flags, speed: '10', duration: '1h' }).simulator).toEqual(['--duration', '1h'])
  expect(readUpOptions({ ...flags, speed: '10', history: '2h' }).simulator).toEqual(['--history', '2h'])
})

it('takes event time from the wall clock unless there is a speed or a duration', () => {
  expect(planClock({ wallMs: 1e12 })).toEqual({ state: { mode: 'wall' } })
  expect(planClock({ wallMs: 1e12, durationMs: 3_600_000 })).toEqual({
    state: { mode: 'held', atMs: 1e12 - 3_600_000 },
    speed: 1,
  })
  expect(planClock({ wallMs: 1e12, speed: 10 })).toEqual({
    state: { mode: 'held', atMs: 1e12 - 86_400_000 },
    speed: 10,
  })
})

it('goes on where an earlier run stood', () => {
  const before = { mode: 'held', atMs: 1e12 - 1000 } as const
  expect(planClock({ wallMs: 1e12, speed: 10, before }).state).toEqual(before)
  const long = { mode: 'held', atMs: 1e12 - 9e8 } as const
  expect(planClock({ wallMs: 1e12, durationMs: 1000, before: long }).state).toEqual({ mode: 'held', atMs: 1e12 - 1000 })
})

it('watches the rules of this project unless told otherwise, and names a folder that is none', () => {
  expect(readUpOptions(flags).rules).toMatch(/alert-rules$/)
  expect(readUpOptions({ ...flags, rules: '.' }).rules).toBe(process.cwd())
  expect(readUpOptions({ ...flags, rules: false }).rules).toBeUndefined()
  expect(() => readUpOptions({ ...flags, rules: '/nowhere' })).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ path: '--rules', found: '/nowhere' })] }),
  )
})

it('meets at a local IoT Hub when asked, at the port of its devices', () => {
  const { cloudMqttPort: _, ...unnamed } = flags
  expect(readUpOptions(unnamed)).toMatchObject({ ports: { cloudMqtt: 1884 } })
  expect(readUpOptions({ ...unnamed, via: 'iot-hub', tokenLife: '1m' })).toMatchObject({
    hub: { tokenLife: '1m' },
    ports: { cloudMqtt: 8883, hub: { amqp: 0, amqps: 0, https: 0 } },
  })
  expect(() => readUpOptions({ ...flags, via: 'kafka' })).toThrow(/cannot start/)
  expect(() => readUpOptions({ ...flags, tokenLife: '1m' })).toThrow(/cannot start/)
  expect(() => readUpOptions({ ...flags, via: 'iot-hub', tokenLife: '10s' })).toThrow(/cannot start/)
})
