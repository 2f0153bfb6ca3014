import { fileClock, type Logger, loadConfig, type Running, systemClock } from '@millrace/pipeline'
import { createPublishers } from './connections.ts'
import type { DevicePlan } from './device.ts'
import { planDevices } from './device-plan.ts'
import { fleetSchema } from './fleet.ts'
import { createHubPublishers } from './hub-devices.ts'
import { type Simulation, startSimulation } from './pipeline.ts'
import { startProgressLine } from './progress-line.ts'
import { registerFleet } from './register-fleet.ts'
import { releaseClock } from './release-clock.ts'
import type { Settings } from './settings.ts'

export interface Output {
  log: Logger
  /** Shows the line of progress. */
  print(line: string): void
}

/** Runs a simulated fleet until it is stopped or its duration is over. */
export async function startFleet(settings: Settings, { log, print }: Output): Promise<Running> {
  const fleet = await loadConfig(settings.fleet, fleetSchema)
  const clock = settings.clock === undefined ? systemClock : fileClock(settings.clock)
  const scale = { seed: settings.seed, devices: settings.devices, rateHz: settings.rate }
  const simulation = await startSimulation(
    {
      fleet,
      scale,
      perturb: { ...fleet.perturb, ...settings.perturb },
      historyMs: settings.history,
      durationMs: settings.duration,
      ledger: settings.ledger,
    },
    { clock, log, publishers: await publishersOf(settings, await planDevices(fleet, scale), log) },
  )
  log.info({ devices: simulation.devices, t0: new Date(simulation.t0Ms).toISOString() }, 'devices start')
  const stopProgress = startProgressLine({ totals: simulation.totals, details: () => detailsOf(simulation) }, print)
  void simulation.historyDone.then(() => {
    log.info({ messages: simulation.totals.acked }, 'history is acknowledged')
    releaseClock(settings)
  })
  return {
    ended: simulation.finished,
    async stop() {
      await simulation.stop()
      stopProgress()
    },
  }
}

function publishersOf(settings: Settings, plans: readonly DevicePlan[], log: Logger) {
  const { iotHub } = settings
  return iotHub === undefined ? createPublishers(settings, log) : createHubPublishers(iotHub, plans, log)
}

/** Makes the fleet's devices at the IoT Hub of the settings; what to tell of it. */
export async function registerDevices(settings: Settings): Promise<string> {
  const fleet = await loadConfig(settings.fleet, fleetSchema)
  const { seed, devices, rate: rateHz, iotHub = '' } = settings
  const { made, known } = await registerFleet(iotHub, await planDevices(fleet, { seed, devices, rateHz }))
  return `${made} devices are made, ${known} were known; their connection strings are in ${iotHub}\n`
}

function detailsOf(simulation: Simulation): string {
  const behind = simulation.behindMs()
  const connected = simulation.connected()
  return `${behind >= 2_000 ? `, ${Math.round(behind / 1_000)} s behind` : ''}${connected === 0 ? ', not connected' : ''}`
}
