import { expect, test } from 'vitest'
import { fixed, jumpTo, pan, type Range, readRange, scale, spanOf, writeRange } from './range.ts'
import { defaultRange, devicePlace, deviceRoute, readRoute, routeTo, writeRoute } from './route.ts'
import { chooseStep, dayMs, hourMs, minuteMs, presets, stepMs } from './step.ts'

const now = Date.UTC(2026, 10, 20, 12)

test('every preset is drawn with enough rows to read and few enough to draw', () => {
  for (const { spanMs } of presets) {
    const rows = spanMs / stepMs[chooseStep(spanMs)]
    expect(rows).toBeGreaterThanOrEqual(5)
    expect(rows).toBeLessThanOrEqual(2_200)
  }
  expect(chooseStep(5 * minuteMs)).toBe('1m')
  expect(chooseStep(dayMs)).toBe('1m')
  expect(chooseStep(7 * dayMs)).toBe('1h')
  expect(chooseStep(30 * dayMs)).toBe('1h')
  expect(chooseStep(365 * dayMs)).toBe('1d')
})

test('moving back leaves the present, moving forward to the present follows it', () => {
  const back = pan({ kind: 'follow', spanMs: hourMs }, -0.5, now)
  expect(back).toEqual({ kind: 'fixed', from: now - 1.5 * hourMs, to: now - 0.5 * hourMs })
  expect(pan(back, 0.5, now)).toEqual({ kind: 'follow', spanMs: hourMs })
})

test('zooming keeps the end of a moving range at the present and the middle of a fixed one', () => {
  expect(scale({ kind: 'follow', spanMs: hourMs }, 2, now)).toEqual({ kind: 'follow', spanMs: 2 * hourMs })
  expect(spanOf(scale(fixed(now - hourMs, now), 0.5, now), now)).toEqual({
    from: now - 0.75 * hourMs,
    to: now - 0.25 * hourMs,
  })
  expect(spanOf(fixed(now, now), now)).toEqual({ from: now - minuteMs / 2, to: now + minuteMs / 2 })
})

test('jump to data shows the newest reading, and follows when it is recent', () => {
  const range: Range = { kind: 'follow', spanMs: hourMs }
  expect(jumpTo(range, now - 1_000, now)).toEqual(range)
  const { from, to } = spanOf(jumpTo(range, now - dayMs, now), now)
  expect(to - from).toBe(hourMs)
  expect(from).toBeLessThan(now - dayMs)
  expect(to).toBeGreaterThan(now - dayMs)
})

test('ranges and routes survive the address bar, and nonsense falls back', () => {
  const ranges: Range[] = [
    ...presets.map(({ spanMs }) => ({ kind: 'follow', spanMs }) as const),
    fixed(now - hourMs, now),
  ]
  for (const range of ranges) expect(readRange(writeRange(range))).toEqual(range)
  expect(readRange(writeRange({ kind: 'follow', spanMs: 90 * minuteMs }))).toEqual({
    kind: 'follow',
    spanMs: 90 * minuteMs,
  })
  for (const text of ['', 'x', '1/2/3', `${new Date(now).toISOString()}/2020-01-01`])
    expect(readRange(text)).toBeUndefined()
  const place = { site: 'a:b', device: 'x.y', range: fixed(now - hourMs, now) }
  const route = deviceRoute(place)
  expect(devicePlace(readRoute(writeRoute(route)))).toEqual(place)
  expect(readRoute(writeRoute(route))).toEqual(route)
  expect(devicePlace(readRoute('#/device/a/b'))).toEqual({ site: 'a', device: 'b', range: defaultRange })
  for (const hash of ['', '#/', '#/device/%E0%A4%A/b']) expect(readRoute(hash).view).toBe('')
  for (const hash of ['#/device', '#/device/a', '#/accounts']) expect(devicePlace(readRoute(hash))).toBeUndefined()
  expect(readRoute('#/accounts').view).toBe('accounts')
  expect(readRoute(writeRoute(routeTo('fleet', { q: 'a/b & ü' }))).query).toEqual({ q: 'a/b & ü' })
})
