import { expect, it } from 'vitest'
import { killRun, victims } from './kill-run.ts'
import { clean } from './stack.ts'

/** The same over an hour of event time: e2e/long-kill-run.ts. */
it('of agent, ingest and Mosquitto at random, InfluxDB away in the middle, every perturbation, in both stores', async () => {
  const { kills, verdicts, log } = await killRun({
    ...{ cloud: 'mosquitto', eventMs: 20 * 60_000, speed: 30, devices: 40, rateHz: 0.2, share: 0.02 },
    ...{ killsOfEach: 5, seed: Math.floor(Math.random() * 1e6), say: () => undefined },
  })
  const killed = victims.reduce((sum, victim) => sum + kills[victim], 0)
  expect(killed).toBeGreaterThan(victims.length)
  for (const [store, verdict] of Object.entries(verdicts)) {
    expect(verdict, `${store}\n${log.slice(-5000)}`).toMatchObject({ ok: true, ...clean })
    expect(verdict.windows).toBeGreaterThan(1_000)
    expect(verdict.amended).toBeGreaterThan(0)
    expect(verdict.expectedSetAside).toBeGreaterThan(0)
  }
}, 300_000)
