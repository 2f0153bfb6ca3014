import type { ApiSummary } from '@millrace/contracts'
import type { MqttLink } from '@millrace/transports'
import { expect, test } from 'vitest'
import type { StackApi } from '../verify/api.ts'
import { KnownDevice } from './known-device.ts'

const minuteMs = 60_000
const t0 = Date.UTC(2026, 0, 5, 12)

/** Acknowledges everything but what is sent while it is away. */
function someLink(): { link: MqttLink; away: boolean } {
  const held = { away: false, link: undefined as unknown as MqttLink }
  held.link = { publish: () => (held.away ? new Promise(() => undefined) : Promise.resolve()) } as unknown as MqttLink
  return held
}

const rowsOf = (...rows: [start: number, count: number, sum: number][]) => {
  const api = {
    rows: async () => ({
      unit: '',
      rows: rows.map(([start, count, sum]) => ({ start, count, sum, lengthMs: minuteMs }) as ApiSummary),
    }),
  }
  return api as unknown as StackApi
}

async function beating(): Promise<{ device: KnownDevice; held: ReturnType<typeof someLink> }> {
  const held = someLink()
  const device = new KnownDevice(held.link, 'heartbeat')
  for (const at of [0, 1_000, minuteMs]) await device.send(t0 + at)
  return { device, held }
}

const none = { missing: 0, doubled: 0, wrongValue: 0, setAside: 0 }

test('a device knows by the window what must be stored of it', async () => {
  const { device } = await beating()
  const recount = (...rows: [number, number, number][]) => device.recount(rowsOf(...rows), 0)
  expect(await recount([t0, 2, 3], [t0 + minuteMs, 1, 3])).toEqual({ ...none, acknowledged: 3 })
  expect(await recount([t0, 2, 3])).toEqual({ ...none, acknowledged: 3, missing: 1 })
  expect(await recount([t0, 3, 6], [t0 + minuteMs, 1, 3])).toMatchObject({ doubled: 1, missing: 0 })
  expect(await recount([t0, 2, 4], [t0 + minuteMs, 1, 3])).toMatchObject({ wrongValue: 1 })
  expect(await recount([t0, 2, 3], [t0 + 2 * minuteMs, 1, 3])).toMatchObject({ missing: 1, doubled: 1 })
})

test('what was never acknowledged may be there or not', async () => {
  const { device, held } = await beating()
  held.away = true
  device.send(t0 + 2_000).catch(() => undefined)
  expect(device.acknowledged).toBe(3)
  for (const [count, sum] of [
    [2, 3],
    [3, 7],
  ] as const)
    expect(await device.recount(rowsOf([t0, count, sum], [t0 + minuteMs, 1, 3]), 0)).toMatchObject(none)
  expect(await device.recount(rowsOf([t0, 4, 9], [t0 + minuteMs, 1, 3]), 0)).toMatchObject({ doubled: 1 })
})

test('what came too late for its window is counted, and no loss', async () => {
  const { device } = await beating()
  expect(await device.recount(rowsOf([t0, 2, 3]), 1)).toMatchObject({ missing: 0 })
  expect(await device.recount(rowsOf([t0, 1, 1]), 1)).toMatchObject({ missing: 1 })
})

test('a reading that must be set aside is lost where it is not', async () => {
  const device = new KnownDevice(someLink().link, 'clock-tomorrow')
  for (let n = 0; n < 5; n++) await device.send(t0 + 86_400_000, 'set-aside')
  expect(await device.recount(rowsOf(), 5)).toEqual({ ...none, acknowledged: 5, setAside: 5 })
  expect(await device.recount(rowsOf(), 3)).toMatchObject({ missing: 2, setAside: 3 })
})
