import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import type { Scorecard } from '../packages/cli/src/drill/scorecard.ts'
import { until } from '../packages/pipeline/testing/index.ts'
import { run } from './stack.ts'

const millrace = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))

let stop: (() => void) | undefined
afterEach(() => stop?.())

it('a short drill with everything in it: nothing lost, doubled or unaccounted, and it was not gentle', async () => {
  const { code, stdout, stderr } = await run('drill', '--json', '--duration', '40s', '--seed', '7')
  const card = JSON.parse(stdout) as Scorecard
  expect(card.reasons, stderr).toEqual([])
  expect(code).toBe(0)
  expect(card).toMatchObject({ acknowledgedLoss: 0, duplicateEffects: 0, unaccounted: 0, ok: true })
  expect(card.kills).toBe(card.plannedKills)
  expect(Math.min(...Object.values(card.killsOf))).toBeGreaterThan(0)
  expect(card.recoveryP99Ms).toBeGreaterThanOrEqual(card.recoveryP50Ms!)
  for (const figure of ['drainPerSecond', 'freshnessP99Ms', 'amended', 'duplicates', 'skewedReadings'] as const)
    expect(card[figure], figure).toBeGreaterThan(0)
  expect(card.poisonSetAside).toBeGreaterThan(200)
  expect(card.acknowledged).toBeGreaterThan(10_000)
  if (process.getuid?.() === 0) expect(card).toMatchObject({ notTried: [], diskRefusedAfterMs: expect.any(Number) })
  expect(stderr).toContain('PASSED')
})

it('Ctrl-C ends it, tells what was learned so far and leaves nothing behind', async () => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', millrace, 'drill', '--json'])
  stop = () => child.kill('SIGKILL')
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (bytes) => {
    stdout += bytes
  })
  child.stderr.on('data', (bytes) => {
    stderr += bytes
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  await until(() => stderr.includes('HEALTHY'), { withinMs: 60_000, label: 'the first act' })
  const folder = /Its data +(\S+), removed/.exec(stderr)?.[1]
  expect(existsSync(folder!)).toBe(true)
  child.kill('SIGINT')
  expect(await ended).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, interrupted: true, acknowledgedLoss: null })
  expect(stderr).toContain('STOPPED before its end')
  expect(existsSync(folder!)).toBe(false)
})
