import { expect, test } from 'vitest'
import type { Scene } from '../act.ts'
import type { Victim } from '../target.ts'
import { killAtOnce } from './killing.ts'

test('a process that was killed and is not noticed as dead is waited for, and counts once', async () => {
  const pids = new Map<Victim, number>([
    ['agent', 11],
    ['ingest', 21],
  ])
  const told: string[] = []
  const scene = {
    target: { pid: (victim: Victim) => pids.get(victim) ?? null, kill: (victim: Victim) => pids.get(victim) ?? null },
    findings: { kills: [] },
    say: { event: (text: string) => told.push(text) },
    until: async (done: () => boolean) => {
      if (!done()) pids.set('agent', 12)
      return done()
    },
  } as unknown as Scene
  await killAtOnce(scene, ['agent'])
  await killAtOnce(scene, ['agent', 'ingest'])
  expect(told).toEqual(['kill -9 agent (11)', 'kill -9 agent (12) and ingest (21)'])
  expect(await killAtOnce({ ...scene, until: async () => null }, ['ingest'])).toEqual([])
  expect(scene.findings.kills).toHaveLength(3)
})
