import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileRules, ruleKinds } from '@millrace/rules'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { rulesFolder } from '../apps.ts'
import { checkExitCode, checkFolder } from './check.ts'
import { usableRules } from './compile.ts'
import { loadRecording } from './load-recording.ts'
import { minuteMs } from './testing.ts'
import { type TryInput, tryRules } from './try-rules.ts'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const fleet = join(root, 'device-simulator', 'fleets', 'default.yaml')
const quiet = () => undefined

async function firedOn(source: { history: string; seed: string; until: string; perturb?: string }) {
  const load: TryInput['load'] = (wantsReadings) =>
    loadRecording({ file: fleet, ...source }, { lengthMs: minuteMs, wantsReadings, progress: quiet })
  const { tried } = await tryRules({
    ...{ folder: rulesFolder, load, progress: quiet },
    cannotJudge: () => undefined,
  })
  return tried.judgement
}

describe('the starter rules', () => {
  it('have no problem, can all fire, and their recording shows what they say', async () => {
    const result = await checkFolder({ folder: rulesFolder, windowMs: minuteMs, progress: quiet })
    expect(result).toMatchObject({ problems: [], neverFire: [], warnings: [] })
    expect(result.evidence.flatMap(({ spans }) => spans.filter(({ ok }) => !ok))).toEqual([])
    expect(result.evidence).toHaveLength(1)
    expect(checkExitCode(result)).toBe(0)
  })

  it('are of every kind and for every owner', () => {
    const rules = usableRules(rulesFolder)
    expect(new Set(rules.map(({ kind }) => kind))).toEqual(new Set(ruleKinds))
    expect(new Set(rules.map(({ at }) => at))).toEqual(new Set(['edge', 'cloud', 'grafana']))
  })

  it.each(['1', '7'])(
    'seed %s: the past of the default fleet has one trouble, once an hour, and no other',
    async (seed) => {
      const { alerts } = await firedOn({ history: '3h', until: '2026-01-08T14:00:00Z', seed })
      expect([...new Set(alerts.map(({ rule }) => rule))]).toEqual(['cold-store-warm'])
      expect(alerts).toHaveLength(3)
      for (const { start, raised, end } of alerts) {
        expect([start % (60 * minuteMs), raised - start, end! - start]).toEqual([0, minuteMs, minuteMs])
      }
    },
  )

  it('say that messages are missing where they are', async () => {
    const { alerts } = await firedOn({
      history: '30m',
      until: '2026-01-08T14:00:00Z',
      seed: '1',
      perturb: 'dropout=0.4',
    })
    const missing = alerts.filter(({ rule }) => rule === 'messages-missing')
    expect(missing.length).toBeGreaterThan(5)
    expect(missing.every(({ cause, unit, value }) => cause === 'incomplete' && unit === '%' && value! > 10)).toBe(true)
  })
})

describe('docs/alert-rules.md', () => {
  const text = readFileSync(join(root, 'docs', 'alert-rules.md'), 'utf8')
  const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block]) => block!)
  const ofRules = blocks.filter((block) => /^(rules|labels):\n/m.test(block))

  it.each(ofRules.map((block) => [/id: (\S+)/.exec(block)?.[1] ?? 'labels', block]))(
    'the block of %s is right',
    (_id, block) => {
      const { problems, warnings } = compileRules([{ name: 'doc.yaml', content: parse(block) }], { windowMs: minuteMs })
      expect([...problems, ...warnings]).toEqual([])
    },
  )

  it('has an example of every kind', () => {
    const kinds = ofRules.flatMap((block) => [...block.matchAll(/kind: (\w+)/g)].map(([, kind]) => kind))
    expect(new Set(kinds)).toEqual(new Set(ruleKinds))
    for (const kind of ruleKinds) expect(text).toContain(`### ${kind}`)
  })
})
