import { deviceMessageSchema, isName, valueSchema } from '@millrace/contracts'
import { describe, expect, it } from 'vitest'
import { harms } from './harm.ts'
import type { Readings } from './readings.ts'

const readings: Readings = [
  ['temperature', 21.4],
  ['humidity', 40.1],
]
const envelope = '"ts":1763640000123,"seq":42,"boot":"a1",'

/** What the contract makes of bytes: the reason for all of them, or the readings and what is wrong with the others. */
function judged(body: Uint8Array): { all?: string; readings?: Readings; setAside?: Record<string, string> } {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return { all: 'bad-utf8' }
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { all: 'bad-json' }
  }
  const parsed = deviceMessageSchema.safeParse(value)
  const entries = Object.entries((value as { readings: object }).readings)
  if (!parsed.success && entries.length > 256) return { all: 'too-many-metrics' }
  if (!parsed.success) return { all: 'bad-shape' }
  const good = entries.filter(([metric, reading]) => isName(metric) && valueSchema.safeParse(reading).success)
  const bad = entries.filter((entry) => !good.includes(entry))
  return {
    readings: good as Readings,
    setAside: Object.fromEntries(bad.map(([metric]) => [metric, isName(metric) ? 'bad-value' : 'bad-name'])),
  }
}

describe('a spoilt message', () => {
  it.each(harms.map((harm) => [harm.name, harm] as const))('%s is what the contract makes of it', (_name, harm) => {
    const { body, readings: sound, setAside } = harm.apply({ envelope, readings })
    const verdict = judged(body)
    if (verdict.all === 'too-many-metrics') {
      expect(Object.values(setAside)).toEqual(Array.from({ length: 257 }, () => 'too-many-metrics'))
    } else if (verdict.all) expect({ sound, ...setAside }).toEqual({ sound: [], '*': verdict.all })
    else
      expect(JSON.stringify({ sound, setAside })).toBe(
        JSON.stringify({ sound: verdict.readings, setAside: verdict.setAside }),
      )
  })

  it('with one reading alone leaves none', () => {
    for (const harm of harms) {
      const { readings: sound, setAside } = harm.apply({ envelope, readings: [['co2', 400]] })
      expect(Object.keys(setAside).length).toBeGreaterThan(0)
      expect(sound.length).toBe(harm.name === 'hostile-name' ? 1 : 0)
    }
  })
})
