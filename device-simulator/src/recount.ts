import { type DevicePlan, tickMs } from './device.ts'
import { messageOf } from './device-message.ts'
import { planDevices } from './device-plan.ts'
import { fleetSchema } from './fleet.ts'
import { type FleetRun, NumberSet, readHostLines } from './ledger/index.ts'
import { createDeviceStream, perturbSchema } from './perturb/index.ts'
import { chosen } from './pipeline.ts'
import type { SentMessage } from './sent-message.ts'

/** Everything a fleet's run sent or may have sent before it ended, made anew from the seed. */
export async function* recountFleet(folder: string, run: FleetRun): AsyncGenerator<SentMessage> {
  const { seed, devices, rateHz, t0Ms } = run
  const plans = await planDevices(fleetSchema.parse(run.fleet), { seed, devices, rateHz, t0Ms })
  for (const plan of plans) {
    if (!plan.measured) yield* recountDevice(plan, run)
  }
  for (const { seq, ...line } of readHostLines(folder, run.run)) {
    const acked = new NumberSet(run.progress[`${line.site}/${line.device}`]?.acked).has(seq)
    yield { ...line, seq, acked, copies: acked ? 1 : 0 }
  }
}

function* recountDevice(plan: DevicePlan, run: FleetRun): Generator<SentMessage> {
  const { site, device } = plan
  const progress = run.progress[`${site}/${device}`]
  if (!progress) return
  const acked = new NumberSet(progress.acked)
  const twice = new NumberSet(progress.twice)
  const issued = new NumberSet(progress.issued)
  const stream = createDeviceStream(plan, {
    ...{ fleetSeed: run.seed, t0Ms: run.t0Ms, runName: run.runName },
    fromMs: tickMs(plan, progress.first),
    perturbations: chosen(perturbSchema.parse(run.perturb)),
  })
  for (let send = stream.next(); send.sendMs <= run.horizonMs; send = stream.next()) {
    if (send.copy === 1 || (run.ended && !issued.has(send.tick))) continue
    const { readings, setAside } = messageOf(plan, send)
    const copies = Number(acked.has(send.tick)) + Number(twice.has(send.tick))
    yield {
      ...{ site, device, ts: send.tsMs, seq: send.seq },
      ...(send.boot !== null && { boot: send.boot }),
      ...{ readings: Object.fromEntries(readings), acked: copies > 0, copies },
      ...(Object.keys(setAside).length > 0 && { setAside }),
    }
  }
}
