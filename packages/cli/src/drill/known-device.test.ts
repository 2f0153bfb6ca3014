import type { ApiSummary } from '@millrace/contracts'
import type { MqttLink } from '@millrace/transports'
import { expect, test } from 'vitest'
import type { StackApi } from '../verify/api.ts'
import type { TooLate } from '../verify/too-late.ts'
import { KnownDevice, metric } from './known-device.ts'

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

const none = { missing: 0, doubled: 0, wrongValue: 0, setAside: 0, tooLate: 0, tooLateNotNamed: 0 }
const told = (setAside: number, tooLate: Partial<TooLate> = {}) => {
  return { setAside, tooLate: { named: [], unnamed: 0, untilMs: Number.NEGATIVE_INFINITY, ...tooLate } }
}

test('a device knows by the window what must be stored of it', async () => {
  const { device } = await beating()
  const recount = (...rows: [number, number, number][]) => device.recount(rowsOf(...rows), told(0))
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
    expect(await device.recount(rowsOf([t0, count, sum], [t0 + minuteMs, 1, 3]), told(0))).toMatchObject(none)
  expect(await device.recount(rowsOf([t0, 4, 9], [t0 + minuteMs, 1, 3]), told(0))).toMatchObject({ doubled: 1 })
})

test('what came too late is no loss where it is named, or counted for a window that was given up', async () => {
  const { device } = await beating()
  const untilMs = t0 + minuteMs
  const named = [{ metric, ts: t0 + 1_000, seq: 2, boot: device.boot, value: 2 }]
  const lacking = async (tooLate: Partial<TooLate>, ...rows: [number, number, number][]) =>
    await device.recount(rowsOf(...rows, [untilMs, 1, 3]), told(0, tooLate))
  expect(await lacking({ named }, [t0, 1, 1])).toMatchObject({ missing: 0, tooLate: 1 })
  expect(await lacking({ named }, [t0, 2, 3])).toMatchObject({ missing: 0, doubled: 0, tooLate: 0 })
  expect(await lacking({ named })).toMatchObject({ missing: 1, tooLate: 1 })
  expect(await lacking({ unnamed: 1, untilMs }, [t0, 1, 1])).toMatchObject({ missing: 0, tooLateNotNamed: 1 })
  expect(await lacking({ unnamed: 1, untilMs })).toMatchObject({ missing: 1, tooLateNotNamed: 1 })
  expect(await lacking({ unnamed: 1 }, [t0, 1, 1])).toMatchObject({ missing: 1, tooLateNotNamed: 0 })
})

test('a reading that must be set aside is lost where it is not', async () => {
  const device = new KnownDevice(someLink().link, 'clock-tomorrow')
  for (let n = 0; n < 5; n++) await device.send(t0 + 86_400_000, 'set-aside')
  expect(await device.recount(rowsOf(), told(5))).toEqual({ ...none, acknowledged: 5, setAside: 5 })
  expect(await device.recount(rowsOf(), told(3))).toMatchObject({ missing: 2, setAside: 3 })
})
