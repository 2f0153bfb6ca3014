import { liveBodySchema } from '@millrace/contracts'
import { type JournalEntry, unstamped } from '@millrace/windows'
import { describe, expect, it } from 'vitest'
import { Live } from './live.ts'
import { Names } from './names.ts'

const nowMs = Date.UTC(2026, 0, 1)
const timeAt = (monotonicMs: number) => nowMs + monotonicMs

function entry(readings: { series: number; ts: number; value: number; flags?: number }[]): JournalEntry {
  const empty = { length: 0, device: new Uint32Array(), ts: new Float64Array(), seq: new Float64Array() }
  return {
    kind: 'data',
    batch: {
      arrivedMonotonicMs: 0,
      readings: {
        length: readings.length,
        series: Uint32Array.from(readings, ({ series }) => series),
        ts: Float64Array.from(readings, ({ ts }) => ts),
        seq: new Float64Array(readings.length).fill(Number.NaN),
        boot: new Uint32Array(readings.length),
        value: Float64Array.from(readings, ({ value }) => value),
        flags: Uint8Array.from(readings, ({ flags = 0 }) => flags),
      },
      messages: { ...empty, boot: new Uint32Array(), flags: new Uint8Array() },
      invalid: [],
    },
  }
}

describe('live', () => {
  it('shows the newest reading of each series once, of each site in a body of its own', () => {
    const names = new Names({ site: 'hall', maxSeries: 5_000 })
    const series = ['hall', 'yard'].map((site) => names.series(names.device(site, 'd'), 'temperature'))
    const live = new Live(names)
    live.see(
      entry([
        { series: series[0]!, ts: nowMs, value: 1 },
        { series: series[0]!, ts: nowMs - 1_000, value: 2 },
        { series: series[1]!, ts: 500, value: 3, flags: unstamped },
        { series: series[1]!, ts: nowMs + 3_600_000, value: 4 },
      ]),
      timeAt,
    )
    const bodies = live.take('edge-1').map(({ body }) => liveBodySchema.parse(JSON.parse(Buffer.from(body).toString())))
    expect(bodies.map(({ site, columns }) => [site, columns.value, columns.ts])).toEqual([
      ['hall', [1], [nowMs]],
      ['yard', [3], [nowMs + 500]],
    ])
    expect(live.take('edge-1')).toEqual([])
  })

  it('grows with the series and splits what is too much for one body', () => {
    const names = new Names({ site: 'hall', maxSeries: 5_000 })
    const device = names.device('hall', 'd')
    const series = Array.from({ length: 2_500 }, (_, index) => names.series(device, `m${index}`))
    const live = new Live(names)
    live.see(entry(series.map((id) => ({ series: id, ts: nowMs, value: id }))), timeAt)
    const bodies = live.take('edge-1').map(({ body }) => JSON.parse(Buffer.from(body).toString()))
    expect(bodies.map(({ columns }) => columns.value.length)).toEqual([1_000, 1_000, 500])
  })
})
