import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkConfig, loadConfig, UsageError } from '@millrace/pipeline'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { splitCsv } from './cells.ts'
import { mapSchema } from './map.ts'
import type { Recorded } from './recorded.ts'
import { emptyReport, readRecording } from './recording.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recording-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const base = { format: 'csv', time: { column: 'time', format: 'epoch-s' }, site: 's', device: 'd', metrics: { t: 't' } }

async function read(text: string | Buffer, map: unknown, limitMs = Number.POSITIVE_INFINITY) {
  const file = join(folder, 'recording')
  writeFileSync(file, text)
  const report = emptyReport()
  const messages: Recorded[] = []
  const settings = { map: checkConfig(map, mapSchema, 'map'), shiftMs: 0, limitMs }
  for await (const chunk of readRecording(file, settings, report)) messages.push(...chunk)
  return { messages, report }
}

const shipped = (name: string) => loadConfig(join(import.meta.dirname, '../../maps', name), mapSchema)

describe('the maps that come with the simulator', () => {
  it('office-occupancy: quoted cells, local time, and a header without a name for the first column', async () => {
    const text = [
      '"date","Temperature","Humidity","Light","CO2","HumidityRatio","Occupancy"',
      '"1","2016-07-04 17:51:00",23.5,27.5,426,721.25,0.0047,1',
      '"2","2016-01-04 17:51:59",23.25,27,0,714,0.0048,0',
    ].join('\r\n')
    const { messages, report } = await read(text, await shipped('office-occupancy.yaml'))
    expect(messages.map(({ tsMs }) => new Date(tsMs).toISOString())).toEqual([
      '2016-07-04T15:51:00.000Z',
      '2016-01-04T16:51:59.000Z',
    ])
    expect(Object.fromEntries(messages[0]!.readings)).toEqual({
      ...{ temperature: 23.5, humidity: 27.5, light: 426, co2: 721.25 },
      ...{ 'humidity-ratio': 0.0047, occupancy: 1 },
    })
    expect(report).toMatchObject({ lines: 3, messages: 2, readings: 12, passedOver: 1, unparsable: 0 })
  })

  it('library-motes: blanks, decimal commas, node and sequence number in columns', async () => {
    const { messages } = await read('1163438041250 20 1 21,25 2,8 51,5 22 20 28\n', await shipped('library-motes.yaml'))
    expect(messages).toMatchObject([{ site: 'library', device: 'mote-20', seq: 1, tsMs: 1163438041250 }])
    expect(messages[0]!.readings.slice(0, 3)).toEqual([
      ['internal-temperature', 21.25],
      ['voltage', 2.8],
      ['humidity', 51.5],
    ])
  })
})

describe('a recording', () => {
  it('of JSON lines is read by paths', async () => {
    const map = {
      ...base,
      format: 'json-lines',
      device: '{id}',
      metrics: { t: 'data.temp', door: 'open', 'a.b': 'a.b' },
    }
    const lines = [
      '{"id":"kitchen 1","time":1700000000,"data":{"temp":21.5},"open":true,"a.b":7}',
      '{"id":5}',
      '[',
      '7',
    ]
    const { messages, report } = await read(lines.join('\n'), map)
    expect(messages).toMatchObject([
      {
        device: 'kitchen-1',
        readings: [
          ['t', 21.5],
          ['door', 1],
          ['a.b', 7],
        ],
      },
    ])
    expect(report.named.map(({ line }) => line)).toEqual([2, 3, 4])
  })

  it('with one reading a line is read by the column that names the metric', async () => {
    const map = { ...base, metrics: undefined, reading: { metric: '{what}', column: 'value' }, delimiter: ';' }
    const { messages } = await read('time;what;value\n1700000000;temp;21\n1700000001;soil moisture;0.5', map)
    expect(messages.map(({ readings }) => readings)).toEqual([[['temp', 21]], [['soil-moisture', 0.5]]])
  })

  it('keeps going whatever its lines are, and names the first twenty that it could not read', async () => {
    const rows = Array.from({ length: 30 }, (_none, n) => `${n % 2 ? 'never' : 1700000000 + n},${n}`)
    const { messages, report } = await read(['time,t', ...rows, '1,2,3', '"open,1', ''].join('\n'), base)
    expect(messages).toHaveLength(15)
    expect(report).toMatchObject({ lines: 33, unparsable: 17, messages: 15, passedOver: 1 })
    expect(report.named).toHaveLength(17)
    expect(report.named[0]).toEqual({ line: 3, reason: 'no time: "never"' })
    expect(report.named.at(-2)!.reason).toBe('3 columns instead of 2')
    expect(report.named.at(-1)!.reason).toBe('a quoted cell has no end')
    const many = await read(['time,t', ...Array.from({ length: 50 }, () => 'x,1')].join('\n'), base)
    expect(many.report).toMatchObject({ unparsable: 50 })
    expect(many.report.named).toHaveLength(20)
  })

  it('refuses a line without an end, however long, and reads on behind it', async () => {
    const { report } = await read(`time,t\n${'x'.repeat(3_000_000)}\n1700000000,1\n`, base)
    expect(report).toMatchObject({ lines: 3, messages: 1, named: [{ line: 2, reason: 'too long' }] })
  })

  it('counts every line exactly once, for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const { report } = await read(Buffer.concat([Buffer.from('time,t\n'), bytes]), base)
        expect(report.messages + report.unparsable + report.passedOver).toBe(report.lines)
      }),
      { numRuns: 50 },
    )
  })

  it('leaves out a bad value alone, an absent one silently, and a time outside what devices may send', async () => {
    const map = { ...base, metrics: { a: 'a', b: { column: 'b', scale: 0.1, offset: 1 } } }
    const rows = [
      'time,a,b',
      '1700000000,x,3',
      '1700000001,NA,3',
      '1700000002,,',
      '5,1,1',
      '1800000000,1,1',
      '1700000003,1e200,1',
    ]
    const { messages, report } = await read(rows.join('\n'), map, 1_750_000_000_000)
    expect(messages.map(({ readings }) => readings)).toEqual([[['b', 1.3]], [['b', 1.3]], [['b', 1.1]]])
    expect(report).toMatchObject({ badValues: 2, unparsable: 3 })
    expect(report.named.map(({ line }) => line)).toEqual([2, 4, 5, 6, 7])
  })

  it('joins a date and a time of day, passes over comments and lines before the header, takes names of its own', async () => {
    const map = {
      ...{ ...base, format: 'spaces', skip: 1, comment: '#', columns: ['day', 'hour', 't'] },
      time: { column: ['day', 'hour'], format: 'dd.MM.yyyy HH:mm', zone: 'Europe/Berlin' },
    }
    const { messages } = await read('logger v2\n# a comment\n  01.06.2020\t12:00  -3\n', map)
    expect(messages).toMatchObject([{ tsMs: Date.UTC(2020, 5, 1, 10), readings: [['t', -3]] }])
  })

  it('that lacks a column is refused before anything is sent, with every column it lacks', async () => {
    const problems = await read('when,temp\n1,2\n', base).catch((error: UsageError) => error.problems)
    expect(problems).toMatchObject([{ found: 'time' }, { found: 't' }])
  })

  it('begins with a byte order mark or has another encoding without being spoilt', async () => {
    expect((await read(Buffer.from('\ufefftime,t\n1700000000,1'), base)).messages).toHaveLength(1)
    const latin = { ...base, encoding: 'latin1', metrics: { t: '°C' } }
    expect((await read(Buffer.from('time,°C\n1700000000,1', 'latin1'), latin)).messages).toHaveLength(1)
  })
})

describe('a map', () => {
  it('names everything that is wrong with it at once', () => {
    const wrong = {
      ...base,
      format: 'spaces',
      time: { column: 'time', format: 'HH', zone: 'Mars/Olympus' },
      metrics: { 'a b': 't' },
    }
    try {
      checkConfig(wrong, mapSchema, 'map')
      expect.unreachable()
    } catch (error) {
      expect((error as UsageError).problems.map(({ path }) => path)).toEqual(
        expect.arrayContaining(['time.format', 'time.zone', expect.stringContaining('metrics')]),
      )
    }
    expect(() => checkConfig({ ...base, reading: { metric: 'x', column: 'y' } }, mapSchema, 'map')).toThrow(UsageError)
    expect(() => checkConfig({ ...base, format: 'spaces' }, mapSchema, 'map')).toThrow(UsageError)
  })
})

it('cells survive writing and reading, whatever is in them', () => {
  const cell = fc.string().filter((text) => !/[\r\n]/.test(text))
  const written = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1 }), (cells) => {
      expect(splitCsv(cells.map(written).join(','), { delimiter: ',', quote: '"' })).toEqual(cells)
    }),
  )
})
