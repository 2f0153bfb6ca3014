import { describe, expect, it } from 'vitest'
import { alertOf, cleared, t0, withdrawn } from '../testing/alerts.ts'
import { Timeline } from '../testing/timeline.ts'

const a = alertOf({ device: 'a' })
const b = alertOf({ device: 'b' })
const c = alertOf({ device: 'c', rule: 'cold' })
const critical = alertOf({ device: 'x', severity: 'critical' })

describe('many at once', () => {
  const many = Array.from({ length: 1_000 }, (_, n) =>
    alertOf({ device: `d${n}`, rule: `r${n % 40}`, site: `s${n % 7}` }),
  )

  it('a thousand alerts at once are one notice with a count and the first few', () => {
    const timeline = new Timeline().take(...many).until(100)
    expect(timeline.notices).toHaveLength(1)
    expect(timeline.notices[0]).toMatchObject({ counts: { raised: 1_000 }, unlisted: 990 })
    timeline.take(...many.map(cleared)).until(300)
    expect(timeline.notices).toHaveLength(2)
    expect(timeline.notices[1]).toMatchObject({ counts: { cleared: 1_000 } })
    expect(timeline.planner.waiting('ops')).toBe(0)
  })

  it('a machine is told of all of them, in notices of bounded size', () => {
    const timeline = new Timeline({ tells: 'states' }).take(...many).until(10)
    expect(timeline.notices.flatMap(({ items }) => items)).toHaveLength(1_000)
    expect(Math.max(...timeline.notices.map(({ items }) => items.length))).toBeLessThanOrEqual(500)
  })

  it('beyond the limit of what is held the oldest become a count, and none is lost', () => {
    const timeline = new Timeline({ maxHeld: 100 })
    timeline.down = true
    timeline.until(5)
    for (const alert of many) timeline.take(alert, cleared(alert)).until((timeline.nowMs - t0) / 1_000)
    expect(timeline.planner.waiting('ops')).toBe(1_000)
    timeline.down = false
    timeline.until(2_000)
    const passed = timeline.notices.reduce((sum, { counts }) => sum + (counts.passed ?? 0), 0)
    expect(passed).toBe(1_000)
    expect(timeline.planner.waiting('ops')).toBe(0)
  })
})

describe('quiet hours', () => {
  const pace = { quietHours: [{ from: '22:00', to: '06:00', zone: 'Europe/Berlin', below: 'critical' }] }
  const startMs = Date.parse('2026-03-02T21:30:00+01:00')
  const hours = (n: number) => n * 3_600

  it('hold what is not critical until they end, then tell it in one notice', () => {
    const timeline = new Timeline({ pace: { ...pace, remindEvery: 'never' }, startMs })
    timeline.until(hours(1)).take(a, b).until(hours(2)).take(critical, cleared(b), c).until(hours(3)).take(withdrawn(c))
    timeline.until(hours(10))
    expect(timeline.told).toEqual([`${hours(2) + 11}: raised x`, `${hours(8.5)}: raised a, passed b`])
    expect(timeline.notices.map(({ afterQuiet }) => afterQuiet)).toEqual([false, true])
  })

  it('follow the summer time of their zone', () => {
    const night = Date.parse('2026-03-29T00:30:00+01:00')
    const timeline = new Timeline({ pace, startMs: night }).take(a).until(hours(6))
    expect(new Date(timeline.notices[0]!.atMs).toISOString()).toBe('2026-03-29T04:00:00.000Z')
  })

  it('begin on the days they name', () => {
    const friday = { quietHours: [{ from: '22:00', to: '06:00', below: 'critical', days: ['fri'] }] }
    const on = (iso: string) => new Timeline({ pace: friday, startMs: Date.parse(iso) }).take(a).until(60).told
    expect(on('2026-03-06T23:00:00Z')).toEqual([])
    expect(on('2026-03-07T05:00:00Z')).toEqual([])
    expect(on('2026-03-07T23:00:00Z')).toEqual(['10: raised a'])
    expect(on('2026-03-06T05:00:00Z')).toEqual(['10: raised a'])
  })
})

describe('clock steps', () => {
  it('back: nothing waits until the clock is where it was', () => {
    const timeline = new Timeline().take(a).until(5).jump(-7_200)
    timeline.until(-7_000)
    expect(timeline.told).toEqual(['-7184: raised a'])
  })

  it('ahead: nothing is told twice', () => {
    const timeline = new Timeline().take(a).until(20).jump(3_000).take(cleared(a)).until(4_000)
    expect(timeline.told).toEqual(['10: raised a', '3031: cleared a'])
  })
})

describe('stating again', () => {
  it('tells a machine every state it was told, the newest of each subject only', () => {
    const timeline = new Timeline({ tells: 'states' }).take(a, b).until(5).take(cleared(a)).until(10)
    const later = alertOf({ device: 'a', start: t0 + 600_000 })
    timeline.take(later).until(15)
    timeline.planner.stateAgain('ops')
    timeline.until(20)
    expect(timeline.told.at(-1)).toBe('16: reminder b, reminder a')
    expect(timeline.notices.at(-1)!.items.map(({ alert }) => alert.id)).toEqual([b.id, later.id])
  })
})
