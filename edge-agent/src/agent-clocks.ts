import { existsSync } from 'node:fs'
import type { Clock } from '@millrace/pipeline'
import { AgentTime } from './agent-time.ts'
import { ClockDoctor, steadiness } from './clocks/index.ts'
import type { AgentConfig } from './config.ts'
import type { Names } from './names.ts'

const synchronisedFile = '/run/systemd/timesync/synchronized'

/** The agent's own time, and what it makes of its devices' clocks: each is a witness about the other. */
export function openClocks({ config, clock }: { config: AgentConfig; clock: Clock }, names: Names) {
  const { trust, wait, devices } = config.clock
  const time: AgentTime = new AgentTime({
    ...{ clock, trust, waitMs: wait },
    isSynchronised: () => existsSync(synchronisedFile),
    devicesAheadMs: () => doctor.agreement()?.offsetMs,
  })
  const doctor = new ClockDoctor({
    ...{ settings: devices, names },
    time: { epochMs: () => time.epochMs(), isSteady: steadiness(clock) },
  })
  return { time, doctor }
}
