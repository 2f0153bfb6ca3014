import { alertSchema } from '@millrace/contracts'
import { describe, expect, it } from 'vitest'
import { type CompiledRule, compileRules, createEngine, type Engine } from './index.ts'
import { messages, minute, row, rulesOf, t0 } from './testing/rows.ts'

function engineOf(...rules: object[]): Engine {
  return createEngine({ rules: rulesOf(...rules), owner: 'cloud', evaluator: 'test' })
}

function told(engine: Engine): [string, string, number | null, string][] {
  return engine.takeAlerts().map(({ change, id, value, unit }) => [change, id, value, unit])
}

const reading = (seconds: number, value: number) => {
  return { site: 'hall', device: 't1', metric: 'temperature', unit: '°C', ts: t0 + seconds * 1_000, value }
}

describe('messages missing', () => {
  it('as a share, in percent, of devices that number them', () => {
    const engine = engineOf({ id: 'lost', kind: 'incomplete', missing: 0.1, clear: 0.05 })
    engine.completeness([messages(0, 54), messages(1, 0, null)])
    expect(told(engine)).toEqual([])
    engine.completeness([messages(2, 53)])
    expect(told(engine)).toEqual([['raised', `lost/hall/t1/-/${t0 + 2 * minute}`, (7 / 60) * 100, '%']])
    engine.completeness([messages(3, 56)])
    expect(told(engine)).toEqual([])
    engine.completeness([messages(4, 57)])
    expect(told(engine)[0]![0]).toBe('cleared')
  })

  it('as a number; what comes late withdraws it', () => {
    const engine = engineOf({ id: 'lost', kind: 'incomplete', missingMessages: 5 })
    engine.completeness([messages(0, 54)])
    expect(told(engine)).toEqual([['raised', `lost/hall/t1/-/${t0}`, 6, '']])
    engine.completeness([{ ...messages(0, 60), rev: 1 }])
    expect(told(engine)[0]![0]).toBe('withdrawn')
  })
})

describe('readings', () => {
  const rule = { id: 'hot', kind: 'threshold', on: 'reading', above: 8, clear: 7 }
  it('raise at once, and clear at the first good one', () => {
    const engine = engineOf(rule)
    engine.readings([reading(0, 5), reading(1, 9), reading(2, 7.5), reading(3, 12)])
    expect(told(engine)).toEqual([['raised', `hot/hall/t1/temperature/${t0 + 1_000}`, 12, '°C']])
    engine.readings([reading(4, 7)])
    expect(engine.takeAlerts()[0]).toMatchObject({ change: 'cleared', end: t0 + 4_000, rev: 1 })
  })

  it('last from the first bad one to the newest, and not a moment less', () => {
    const engine = engineOf({ ...rule, for: '10s' })
    engine.readings([reading(0, 9), reading(9.999, 9)])
    expect(told(engine)).toEqual([])
    engine.readings([reading(10, 9)])
    expect(engine.takeAlerts()[0]).toMatchObject({ start: t0, raised: t0 + 10_000 })
  })

  it('in any order and doubled come to the same', () => {
    const engine = engineOf(rule)
    for (const [seconds, value] of [
      [3, 9],
      [1, 9],
      [2, 5],
      [2, 5],
      [3, 9],
      [4, 5],
      [0, 5],
    ] as const) {
      engine.readings([reading(seconds, value)])
    }
    expect(engine.takeAlerts().map(({ start, end }) => [start - t0, end! - t0])).toEqual([
      [1_000, 2_000],
      [3_000, 4_000],
    ])
  })

  it('are asked for by rules on readings only', () => {
    const engine = engineOf({ ...rule, select: { device: 't*' } }, { id: 'b', kind: 'threshold', above: 1 })
    const series = { site: 'hall', metric: 'temperature' }
    expect(engine.wantsReadings({ ...series, device: 't1' })).toBe(true)
    expect(engine.wantsReadings({ ...series, device: 'x1' })).toBe(false)
  })

  it('of a day keep an alert of its beginning', () => {
    const engine = engineOf(rule)
    for (let seconds = 0; seconds < 86_400; seconds += 30) engine.readings([reading(seconds, seconds === 60 ? 12 : 9)])
    engine.readings([reading(86_400, 5)])
    expect(engine.takeAlerts().at(-1)).toMatchObject({ change: 'cleared', start: t0, end: t0 + 86_400_000, value: 12 })
  })
})

describe('groups', () => {
  const three = (at: number, values: readonly number[]) => values.map((value, n) => row(at, value, { device: `d${n}` }))
  it.each([
    ['mean', 6, { above: 5 }],
    ['min', 3, { below: 4 }],
    ['max', 9, { above: 8 }],
    ['count', 3, { above: 2 }],
    ['spread', 6, { above: 5 }],
  ])('%s of the series of a site', (of, value, bounds) => {
    const engine = engineOf({ id: 'all', kind: 'group', of, ...bounds, select: { device: 'd*' } })
    engine.windows([...three(0, [3, 6, 9]), row(0, 100, { device: 'x' })])
    expect(told(engine)).toEqual([['raised', `all/hall/-/temperature/${t0}`, value, of === 'count' ? '' : '°C']])
  })

  it('wait for a slow member one window, and no longer', () => {
    const engine = engineOf({ id: 'all', kind: 'group', of: 'mean', above: 5 })
    engine.windows(three(0, [1, 1, 1]))
    engine.windows(three(1, [9, 9]))
    expect(told(engine)).toEqual([])
    engine.windows([row(2, 9, { device: 'd0' })])
    expect(told(engine)).toEqual([['raised', `all/hall/-/temperature/${t0 + minute}`, 9, '°C']])
    engine.windows([row(1, -9, { device: 'd2' })])
    expect(told(engine)[0]![0]).toBe('withdrawn')
  })
})

describe('messages', () => {
  const say = (message: string | undefined, more: object = {}) => {
    const engine = engineOf({
      id: 'warm',
      kind: 'threshold',
      above: 8,
      ...(message === undefined ? {} : { message }),
      ...more,
    })
    engine.windows([row(0, 9.123456789)])
    const [alert] = engine.takeAlerts()
    expect(alertSchema.safeParse(alert).success).toBe(true)
    return alert!.message
  }
  const plain = 'hall/t1/temperature: 9.12346 °C, limit 8 since 2026-01-05T12:00:00Z (warm)'

  it('are filled in', () => {
    expect(
      say('{rule} {site} {device} {metric} {agent} {value} {unit} {threshold} {severity} {start} {labels.team}', {
        labels: { team: 'k' },
      }),
    ).toBe('warm hall t1 temperature - 9.12346 °C 8 warning 2026-01-05T12:00:00Z k')
  })

  it('know no label but those that are there', () => {
    expect(say('{device}{labels.constructor}{labels.toString}{labels.__proto__}')).toBe('t1')
  })

  it.each(['{devise}', '{', 'a } b', '{labels.none}', '{{value}}'])(
    'that cannot be filled in are plain: %s',
    (template) => {
      expect(say(template)).toBe(plain)
    },
  )

  it('that are absent are plain', () => expect(say(undefined)).toBe(plain))
})

describe('other rules', () => {
  const bad = (rule: object) => {
    const engine = engineOf(rule)
    engine.windows([row(0, 9)])
    expect(engine.takeAlerts()).toHaveLength(1)
    return engine
  }
  const warm = { id: 'warm', kind: 'threshold', above: 8 }

  it('that are gone withdraw what was active', () => {
    const engine = bad(warm)
    engine.use([])
    expect(told(engine)).toEqual([['withdrawn', `warm/hall/t1/temperature/${t0}`, 9, '°C']])
    expect(engine.active()).toEqual([])
    expect(engine.takeChanges().filter(({ key, bytes }) => bytes && /^[te]\//.test(key))).toEqual([])
  })

  it('that are the same tell nothing', () => {
    const engine = bad(warm)
    engine.use(rulesOf(warm))
    engine.windows([row(1, 9)])
    expect(told(engine)).toEqual([])
  })

  it('that changed go on with what is active, until their own judgement ends it', () => {
    const engine = bad(warm)
    engine.use(rulesOf({ ...warm, above: 10 }))
    expect(told(engine)).toEqual([])
    expect(engine.active()).toHaveLength(1)
    engine.windows([row(1, 9)])
    expect(engine.takeAlerts()).toMatchObject([
      { change: 'cleared', start: t0, end: t0 + minute, threshold: 10, rev: 1 },
    ])
  })

  it('that no longer select a series withdraw its alert', () => {
    const engine = bad(warm)
    engine.use(rulesOf({ ...warm, select: { device: 'x*' } }))
    expect(told(engine)[0]![0]).toBe('withdrawn')
  })

  it('that are new judge from now on', () => {
    const engine = bad(warm)
    engine.use(rulesOf(warm, { id: 'cold', kind: 'threshold', below: 10, for: '2m' }))
    engine.windows([row(1, 9)])
    expect(told(engine)).toEqual([])
    engine.windows([row(2, 9)])
    expect(told(engine)).toEqual([['raised', `cold/hall/t1/temperature/${t0 + minute}`, 9, '°C']])
  })

  it('of another owner are not judged, unless they are given as ours', () => {
    const rules: CompiledRule[] = rulesOf({ ...warm, at: 'edge' })
    const engine = createEngine({ rules, owner: 'cloud', evaluator: 'test' })
    engine.windows([row(0, 9)])
    expect(engine.takeAlerts()).toEqual([])
    engine.use(rules.map((rule) => ({ ...rule, at: 'cloud' })))
    engine.windows([row(1, 9)])
    expect(engine.takeAlerts()).toHaveLength(1)
  })
})

it('labels of the device and of the rule are in the alert, the rule has the last word', () => {
  const { rules } = compileRules([
    { name: 'l.yaml', content: { labels: [{ device: 't*', labels: { room: 'cold-1', team: 'a' } }] } },
    {
      name: 'r.yaml',
      content: {
        rules: [{ id: 'w', at: 'edge', kind: 'threshold', above: 8, labels: { team: 'b' }, message: '{labels.room}' }],
      },
    },
  ])
  const engine = createEngine({ rules, owner: 'edge', evaluator: 'test' })
  engine.windows([row(0, 9, { agent: 'edge-1' })])
  expect(engine.takeAlerts()).toMatchObject([
    {
      labels: { room: 'cold-1', team: 'b' },
      message: 'cold-1',
      owner: 'edge',
      agent: 'edge-1',
      cause: 'value',
      version: rules[0]!.version,
    },
  ])
})
