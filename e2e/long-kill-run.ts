/**
 * An hour of event time, every perturbation, random kills of agent, ingest and what is between them, InfluxDB away in
 * the middle, and a recount of both stores at the end. Needs influxd, and mosquitto unless `--cloud` says otherwise.
 * With `--cloud iot-hub` the local IoT Hub is between them, and the agent's token is renewed every 22 s.
 *
 *   node e2e/long-kill-run.ts [--cloud mosquitto|millrace|iot-hub] [--minutes 60] [--speed 20] [--devices 200] [--rate 0.2]
 *                             [--share 0.01] [--kills 15] [--seed 1]
 *
 * Ends with exit code 1 on any difference; the log of the processes is then in the file it names.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clouds, killRun } from './kill-run.ts'

const text = (value: string) => ({ type: 'string', default: value }) as const
const { values: flags } = parseArgs({
  options: {
    ...{ cloud: text('mosquitto'), minutes: text('60'), speed: text('20'), devices: text('200'), rate: text('0.2') },
    ...{ share: text('0.01'), kills: text('15'), seed: text('1') },
  },
})
const beganAt = performance.now()
const stamp = () => `${((performance.now() - beganAt) / 1000).toFixed(1).padStart(6)} s`

const { kills, verdicts, log, hubConnections } = await killRun({
  cloud: clouds.find((cloud) => cloud === flags.cloud) ?? 'mosquitto',
  ...{ eventMs: Number(flags.minutes) * 60_000, speed: Number(flags.speed), devices: Number(flags.devices) },
  ...{ rateHz: Number(flags.rate), share: Number(flags.share), killsOfEach: Number(flags.kills) },
  ...{ seed: Number(flags.seed), say: (line) => console.log(`${stamp()}  ${line}`) },
})
console.log(stamp(), ' killed:', kills, hubConnections > 0 ? `connections to the hub: ${hubConnections}` : '')
for (const [store, { differences, setAsideDifferences, ...figures }] of Object.entries(verdicts)) {
  console.log(store, figures)
  if (figures.ok) continue
  process.exitCode = 1
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-kill-run-')), `${store}.json`)
  writeFileSync(file, JSON.stringify({ differences, setAsideDifferences, log }, null, 1))
  console.log(`differences and log: ${file}`)
}
