import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { checkConfig, type Delivery, systemClock } from '@millrace/pipeline'
import { recordingLogger, until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { sensors } from './index.ts'
import type { PolledSource } from './polled-source.ts'
import { readScratchpad } from './scratchpad.ts'

let root: string
let source: PolledSource | undefined
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-sensors-'))
})
afterEach(async () => {
  await source?.stop()
  await rm(root, { recursive: true })
})

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}

const good = '72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n'
const frozen = '5e ff 4b 46 7f ff 02 10 b6 : crc=b6 YES\n5e ff 4b 46 7f ff 02 10 b6 t=-10125\n'
const powerOn = '50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n'

interface Heard {
  topic: string
  device: string
  arrivedMs: number
  body: { seq: number; boot: string; readings: Record<string, number> }
}

/** Starts a source and collects what it hands on, refused while `refuses` says so. */
async function listen(settings: object, refuses: () => boolean = () => false) {
  const heard: Heard[] = []
  const log = recordingLogger()
  const config = checkConfig({ every: '100ms', ...settings }, sensors.schema as z.ZodType<{ type: string }>, 'the test')
  source = await sensors.create(config, { site: 'attic', clock: systemClock, log })
  await source.start(({ messages, arrivals, ack, refuse }: Delivery) => {
    if (refuses()) {
      refuse('the spool is full')
      return
    }
    for (const [index, { topic, body }] of messages.entries()) {
      const parsed = JSON.parse(Buffer.from(body).toString()) as Heard['body']
      heard.push({ topic, device: topic.split('/')[2]!, arrivedMs: arrivals[index]!, body: parsed })
    }
    ack()
  })
  const first = async (device: string): Promise<Heard> => {
    return (await until(() => heard.find((one) => one.device === device)))!
  }
  return { heard, log, first, source }
}

describe('one-wire thermometers', () => {
  it('are devices of the site, by their id or the name given to them', async () => {
    await put('28-000005e2fdc3/w1_slave', good)
    await put('28-000005e2fdc4/w1_slave', good)
    await put('w1_bus_master1/w1_master_name', 'w1_bus_master1')
    const { first } = await listen({ type: 'one-wire', root, devices: { '28-000005e2fdc3': 'boiler' } })
    expect(await first('boiler')).toMatchObject({
      topic: 'telemetry/attic/boiler',
      body: { seq: 0, readings: { temperature: 23.125 } },
    })
    expect((await first('28-000005e2fdc4')).body.readings).toEqual({ temperature: 23.125 })
  })

  it('are taken from `temperature` where the kernel shows no bytes', async () => {
    await put('28-000005e2fdc3/temperature', '19062\n')
    const { first } = await listen({ type: 'one-wire', root })
    expect((await first('28-000005e2fdc3')).body.readings).toEqual({ temperature: 19.062 })
  })

  it('that are missing or lie are told once, and heard again when they are back', async () => {
    await put('28-000005e2fdc3/w1_slave', powerOn)
    const devices = { '28-000005e2fdc3': 'boiler', '28-0000000000ff': 'roof' }
    const { heard, log, first, source: made } = await listen({ type: 'one-wire', root, devices })
    await until(() => made.condition().problems.length === 2)
    expect(made.condition().problems).toEqual([
      { device: 'roof', problem: '28-0000000000ff is not on the bus' },
      { device: 'boiler', problem: '28-000005e2fdc3: has lost power and not measured since' },
    ])
    expect(heard).toEqual([])
    await put('28-000005e2fdc3/w1_slave', frozen)
    expect((await first('boiler')).body.readings).toEqual({ temperature: -10.125 })
    await until(() => heard.length > 2)
    expect(log.lines.filter(({ message }) => message === 'a sensor cannot be read')).toHaveLength(2)
    expect(log.lines.filter(({ message }) => message === 'a sensor can be read again')).toHaveLength(1)
  })

  it.each(['125001', '-55001', '4294967295'])('say nothing where `temperature` is %s', async (milli) => {
    await put('28-000005e2fdc3/temperature', milli)
    const { heard, source: made } = await listen({ type: 'one-wire', root })
    await until(() => made.condition().problems.length === 1)
    expect(made.condition().problems[0]!.problem).toBe('28-000005e2fdc3: is outside what the sensor can measure')
    expect(heard).toEqual([])
  })

  it.each([
    ['a wrong checksum', good.replaceAll('72', '73'), 'checksum is wrong'],
    ["the kernel's own verdict", good.replace('YES', 'NO'), 'checksum is wrong'],
    ['a bus without a pull-up', `${'00 '.repeat(9)}: crc=00 YES\n${'00 '.repeat(9)}t=0`, /pull-up/],
    ['an empty file', '', 'gave no temperature'],
    ['half a file', '72 01 4b', 'gave no temperature'],
  ])('%s is no reading', (_what, text, problem) => {
    expect(readScratchpad(text)).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem))
  })

  it('may truly measure 85 °C', () => {
    expect(readScratchpad('50 05 4b 46 7f ff 10 10 bd : crc=bd YES\n50 05 4b 46 7f ff 10 10 bd t=85000')).toBe(85)
  })
})

describe('industrial I/O sensors', () => {
  it('give readings in our units, processed by the kernel or not', async () => {
    await put('iio:device0/name', 'bme280\n')
    await put('iio:device0/in_temp_input', '21480\n')
    await put('iio:device0/in_pressure_input', '101.325390625\n')
    await put('iio:device0/in_humidityrelative_input', '43252.929687\n')
    await put('iio:device1/name', 'sht3x\n')
    await put('iio:device1/in_temp_raw', '26000\n')
    await put('iio:device1/in_temp_scale', '2.670287\n')
    await put('iio:device1/in_temp_offset', '-16852\n')
    const { first } = await listen({ type: 'iio', root, devices: { bme280: 'attic' } })
    const bme = await first('attic')
    expect(bme.body.readings).toEqual({ temperature: 21.48, pressure: 1013.253906, humidity: 43.25293 })
    expect((await first('sht3x-1')).body.readings.temperature).toBeCloseTo(24.4278, 3)
  })

  it('that are missing or silent are problems', async () => {
    await put('iio:device0/name', 'bme280\n')
    const { source: made } = await listen({ type: 'iio', root, devices: { 'iio:device7': 'cellar' } })
    await until(() => made.condition().problems.length === 2)
    expect(made.condition().problems.map(({ problem }) => problem)).toEqual([
      'iio:device7 is not there',
      'iio:device0 gave no reading',
    ])
  })
})

describe('channels of an industrial I/O sensor', () => {
  const problemWith = async (path: string, text: string) => {
    await put('iio:device0/name', 'bme280\n')
    await put('iio:device0/in_temp_input', '21480\n')
    await put(path, text)
    const { first, log, heard, source: made } = await listen({ type: 'iio', root })
    expect((await first('bme280-0')).body.readings).toEqual({ temperature: 21.48 })
    await until(() => heard.length > 2)
    expect(log.lines.filter(({ message }) => message === 'a sensor cannot be read')).toHaveLength(1)
    return made.condition().problems
  }

  it.each([
    ['humidityrelative_input', '4500000000', 'humidity is outside 0 to 100 %'],
    ['humidityrelative_input', '100001', 'humidity is outside 0 to 100 %'],
    ['pressure_input', '-50', 'pressure is outside 0 to 20000 hPa'],
    ['concentration_co2_input', '-0.6', 'co2 is outside 0 to 1000000 ppm'],
    ['humidityrelative_input', 'nan', 'humidity gave no number'],
    ['humidityrelative_input', '', 'humidity gave no number'],
    ['pressure_input/folder', 'cannot be read', 'pressure gave no number'],
  ])('are no reading but a problem: %s %j', async (channel, text, problem) => {
    const problems = await problemWith(`iio:device0/in_${channel}`, text)
    expect(problems).toEqual([{ device: 'bme280-0', problem: `iio:device0: ${problem}` }])
  })

  it('are one problem of the chip where several are wrong', async () => {
    await put('iio:device0/in_pressure_raw', '1013')
    await put('iio:device0/in_pressure_scale', 'nan')
    const [problem] = await problemWith('iio:device0/in_humidityrelative_input', '-1')
    expect(problem!.problem).toBe('iio:device0: pressure gave no number, humidity is outside 0 to 100 %')
  })
})

describe('this machine', () => {
  it('reports what it can read and leaves out what it cannot', async () => {
    await put('sys/class/thermal/thermal_zone0/temp', '48312\n')
    await put('sys/devices/platform/soc/soc:firmware/get_throttled', '50005\n')
    await put('proc/meminfo', 'MemTotal:  1000000 kB\nMemFree: 1 kB\nMemAvailable:  250000 kB\n')
    await put('proc/loadavg', '0.42 0.30 0.20 1/200 999\n')
    const { first } = await listen({
      ...{ type: 'host', device: 'pi-1', disk: root },
      ...{ sys: join(root, 'sys'), proc: join(root, 'proc') },
    })
    const { readings } = (await first('pi-1')).body
    expect(readings).toMatchObject({ 'cpu-temperature': 48.312, memory: 75, load: 0.42 })
    expect(readings).toMatchObject({ 'under-voltage': 1, throttled: 1, disk: expect.any(Number) })
    expect(readings).not.toHaveProperty('uptime')
  })
})

describe('readings the agent refuses', () => {
  it('are kept with the moment they were taken, and handed on again in order', async () => {
    await put('28-000005e2fdc3/w1_slave', good)
    let full = true
    const { heard, source: made } = await listen({ type: 'one-wire', root }, () => full)
    await until(() => made.condition().held >= 3)
    expect(heard).toEqual([])
    full = false
    await until(() => heard.length >= 4)
    expect(heard.map(({ body }) => body.seq).slice(0, 4)).toEqual([0, 1, 2, 3])
    const moments = heard.map(({ arrivedMs }) => arrivedMs)
    expect(moments).toEqual(moments.toSorted((a, b) => a - b))
    expect(new Set(heard.map(({ body }) => body.boot)).size).toBe(1)
    expect(made.condition()).toMatchObject({ held: 0, lost: 0 })
  })
})
