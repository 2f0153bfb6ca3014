import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { fileClock, loadConfig, systemClock } from '@millrace/pipeline'
import type { DevicePlan } from './device.ts'
import { messageOf } from './device-message.ts'
import { planDevices } from './device-plan.ts'
import { fleetSchema } from './fleet.ts'
import { createDeviceStream } from './perturb/index.ts'
import { chosen } from './pipeline.ts'
import { emptyReport, mapSchema, readRecording } from './replay/index.ts'
import type { SentMessage } from './sent-message.ts'
import type { Settings } from './settings.ts'
import { reportLines } from './start-replay.ts'

/**
 * Prints what a fleet's past or a recording would send, in the order in which each device sends it, and sends nothing.
 * A recording keeps its own times. What could not be read of it is told at `err`.
 */
export async function printExpected(settings: Settings, to: { stdout: Writable; stderr: Writable }): Promise<number> {
  let messages = 0
  const write = async (line: unknown) => {
    if (!to.stdout.write(`${JSON.stringify(line)}\n`)) await once(to.stdout, 'drain')
  }
  const sent = settings.replay === undefined ? fleetMessages(settings) : recordedMessages(settings, to.stderr)
  for await (const message of sent) {
    messages++
    await write(message)
  }
  await write({ end: true, runs: 1, messages, repeats: 0, reproducible: true })
  return 0
}

async function* recordedMessages(settings: Settings, stderr: Writable): AsyncGenerator<SentMessage> {
  const map = await loadConfig(settings.map!, mapSchema)
  const report = emptyReport()
  const options = { map, shiftMs: 0, limitMs: Number.POSITIVE_INFINITY }
  for await (const recorded of readRecording(resolve(settings.replay!), options, report)) {
    for (const { site, device, tsMs, seq, boot, readings } of recorded) {
      yield {
        ...{ site, device, ts: tsMs },
        ...(seq !== null && { seq }),
        ...(boot !== null && { boot }),
        ...{ readings: Object.fromEntries(readings), acked: true, copies: 1 },
      }
    }
  }
  for (const line of reportLines(report)) stderr.write(`${line}\n`)
}

interface Past {
  settings: Settings
  perturb: Settings['perturb']
  untilMs: number
}

async function* fleetMessages(settings: Settings): AsyncGenerator<SentMessage> {
  const fleet = await loadConfig(settings.fleet, fleetSchema)
  const { seed, devices, rate: rateHz } = settings
  const clock = settings.clock === undefined ? systemClock : fileClock(settings.clock)
  const past: Past = {
    ...{ settings, perturb: { ...fleet.perturb, ...settings.perturb } },
    untilMs: settings.until ?? clock.now(),
  }
  for (const plan of await planDevices(fleet, { seed, devices, rateHz })) {
    // What is measured has no past, and what carries no time has its time from the moment it arrives.
    if (!plan.measured && plan.stamped) yield* deviceMessages(plan, past)
  }
}

function* deviceMessages(plan: DevicePlan, { settings, perturb, untilMs }: Past): Generator<SentMessage> {
  const { site, device } = plan
  const stream = createDeviceStream(plan, {
    ...{ fleetSeed: settings.seed, t0Ms: untilMs, runName: 'past', fromMs: untilMs - settings.history },
    perturbations: chosen(perturb),
  })
  for (let send = stream.next(); send.sendMs < untilMs; send = stream.next()) {
    const { readings, setAside } = messageOf(plan, send)
    yield {
      ...{ site, device, ts: send.tsMs, seq: send.seq },
      ...(send.boot !== null && { boot: send.boot }),
      ...{ readings: Object.fromEntries(readings), acked: true, copies: 1 },
      ...(Object.keys(setAside).length > 0 && { setAside }),
    }
  }
}
