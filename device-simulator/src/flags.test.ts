import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '@millrace/pipeline'
import { afterAll, expect, it } from 'vitest'
import { readFlags, usage } from './flags.ts'
import { perturbations } from './perturb/index.ts'
import { settingsSchema } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'flags-'))
afterAll(() => rmSync(folder, { recursive: true }))

const problemsOf = async (...args: string[]) => {
  const error: unknown = await readFlags(args).catch((caught: unknown) => caught)
  if (!(error instanceof UsageError)) throw new Error('no UsageError')
  return error.problems
}

it('flags become settings with their units', async () => {
  const { settings, task } = await readFlags(
    '--devices 20 --rate 0.5 --history 6h --seed 7 --clock c.json --clock-run speed=10 --perturb late=0.01'.split(' '),
  )
  expect(task).toBe('run')
  expect(settings).toMatchObject({ devices: 20, rate: 0.5, history: 21_600_000, seed: 7, clockRun: { speed: 10 } })
  expect(settings.perturb).toEqual({ late: 0.01 })
})

it('all stands for every perturbation, and a name beside it wins', async () => {
  const { settings } = await readFlags(['--perturb', 'all=0.02,late=0'])
  expect(Object.keys(settings.perturb)).toHaveLength(perturbations.length)
  expect(settings.perturb).toMatchObject({ late: 0, duplicate: 0.02 })
})

it('flags win over the config file', async () => {
  const file = join(folder, 'simulator.yaml')
  writeFileSync(file, 'devices: 5\nseed: 3\nhistory: 10m\nperturb: { dropout: 0.1 }\n')
  const { settings } = await readFlags(['--config', file, '--seed', '9'])
  expect(settings).toMatchObject({ devices: 5, seed: 9, history: 600_000, perturb: { dropout: 0.1 } })
})

it('everything that is wrong is named at once, unknown flags with the nearest known', async () => {
  const problems = await problemsOf('--devises', '3', '--rate', 'fast', '--at', 'noon', '--perturb', 'latte=1')
  const text = problems.map(({ path, found, expected }) => `${path} ${found} ${expected}`).join('\n')
  expect(problems.length).toBeGreaterThanOrEqual(4)
  for (const expected of ['devices', 'rate', 'at', 'late']) expect(text).toContain(expected)
})

it('a replay needs its map, a recount its ledger, and words that are no flags are refused', async () => {
  expect(await problemsOf('--replay', 'x.csv')).toMatchObject([{ path: 'map' }])
  expect(await problemsOf('--recount')).toMatchObject([{ path: 'ledger' }])
  expect(await problemsOf('now')).toMatchObject([{ found: expect.stringContaining('now') }])
})

it('the usage names every flag', () => {
  for (const key of Object.keys(settingsSchema.shape)) {
    const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    expect(usage).toContain(`--${flag}`)
  }
})
