import { provisionalBodySchema } from '@millrace/contracts'
import { WindowKeeper } from '@millrace/windows'
import { afterEach, expect, it, vi } from 'vitest'
import { Names } from '../names.ts'
import { Provisional } from './provisional.ts'

const startMs = Date.UTC(2026, 0, 1)
const settings = { lengthMs: 60_000, latenessMs: 5_000, maxReadings: 1_000, amendForMs: 86_400_000 }
const head = { agent: 'a', spool: 's', epoch: 'e' }

afterEach(() => vi.restoreAllMocks())

function fixture(seriesCount: number) {
  const names = new Names({ site: 'hall', maxSeries: 100 })
  const device = names.device('hall', 'd')
  const series = Array.from({ length: seriesCount }, (_, metric) => names.series(device, `m${metric}`))
  const keeper = new WindowKeeper(names, settings)
  keeper.apply({ kind: 'start', epoch: 'e' })
  keeper.apply({ kind: 'anchor', monotonicMs: 0, wallMs: startMs })
  const read = (ids: readonly number[], offsetMs: number) => {
    const { length } = ids
    const shared = { length, ts: new Float64Array(length).fill(startMs + offsetMs) }
    const none = { seq: new Float64Array(length).fill(Number.NaN), boot: new Uint32Array(length) }
    const columns = { ...shared, ...none, flags: new Uint8Array(length) }
    const readings = { ...columns, series: Uint32Array.from(ids), value: new Float64Array(length) }
    const messages = { ...columns, length: 0, device: new Uint32Array(length) }
    keeper.apply({ kind: 'data', batch: { arrivedMonotonicMs: 0, readings, messages, invalid: [] } })
  }
  const provisional = new Provisional(names)
  const take = () =>
    provisional.take(keeper, head, { at: startMs }).flatMap(({ body }) => {
      return provisionalBodySchema.parse(JSON.parse(Buffer.from(body).toString())).columns.metric
    })
  return { series, read, take }
}

it('a window is shown when it has grown, and now and then where it has not, for those who missed it', () => {
  const { series, read, take } = fixture(2)
  read(series, 1_000)
  expect(take()).toEqual(['m0', 'm1'])
  expect(take()).toEqual([])
  read([series[1]!], 2_000)
  expect(take()).toEqual(['m1'])
  const shown = Array.from({ length: 20 }, take).flat()
  expect(shown.sort()).toEqual(['m0', 'm1'])
})

it('windows that are too many for one turn all get theirs', () => {
  const { series, read, take } = fixture(6)
  let nowMs = 0
  // A row takes 20 ms, so that there is room for three.
  vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += 20
    return nowMs
  })
  const shown = new Set<string>()
  for (let turn = 1; turn <= 3; turn++) {
    read(series, turn * 1_000)
    for (const metric of take()) shown.add(metric)
  }
  expect(shown.size).toBe(6)
})
