import { hubBlocks, hubTiers } from '@millrace/contracts'
import { checkConfig } from '@millrace/pipeline'
import { afterEach, expect, it } from 'vitest'
import { agentConfigSchema } from './config.ts'
import { measureSample, type SampledMessage } from './measure-sample.ts'
import { agentConfig, Bench } from './testing/fixture.ts'

const bench = new Bench()
afterEach(() => bench.close())

const second = 1_000
const startMs = Date.UTC(2026, 0, 8, 12)

/** Two sites, so that there are two bodies for each window of ten seconds. */
function sample(seconds: number): SampledMessage[] {
  return ['north', 'south'].flatMap((site) =>
    Array.from({ length: seconds }, (_none, n) => ({
      ...{ site, device: 'd1', ts: startMs + n * second, seq: n, boot: 'a' },
      readings: { temperature: 20 + (n % 7) / 10, humidity: 40 + (n % 11) },
    })),
  )
}

const config = (dataDir: string) => checkConfig(agentConfig({ dataDir, cloudPort: 1 }), agentConfigSchema, 'the test')

it('counts whole windows of a sample, with their bodies and the disk they take', async () => {
  const measured = (await measureSample(config(await bench.folder()), sample(100)))!
  // Eight windows, the first two being for the start.
  expect(measured).toMatchObject({ windowLengthMs: 10 * second, spanMs: 80 * second, sites: 2, devices: 2, series: 4 })
  expect(measured).toMatchObject({ readings: 2 * 2 * 80, messages: 2 * 80, setAside: 0, completenessRows: 2 * 8 })
  expect(measured.summaryRows).toBe(4 * 8)
  expect(measured.bodies).toHaveLength(2 * 8)
  expect(measured.setBytes).toBeGreaterThan(0)
  expect(measured.spoolBytes).toBeGreaterThanOrEqual(measured.setBytes)
})

it('measures nothing where no window closes, and leaves no folder behind', async () => {
  expect(await measureSample(config(await bench.folder()), [])).toBeUndefined()
  expect(await measureSample(config(await bench.folder()), sample(25))).toBeUndefined()
})

it('a message of one byte more than a block is two', () => {
  expect([0, 1, 4096, 4097, 192 * 1024].map((bytes) => hubBlocks(bytes, hubTiers.S1))).toEqual([1, 1, 1, 2, 48])
  expect([512, 513].map((bytes) => hubBlocks(bytes, hubTiers.F1))).toEqual([1, 2])
})
