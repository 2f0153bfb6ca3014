import type { SettingsReport } from '@millrace/contracts'
import type { AgentStatus } from '../status.ts'
import type { Desired } from './desired.ts'
import type { Budget } from './iot-hub-budget.ts'

export interface ReportParts {
  status: AgentStatus
  settings: SettingsReport
  desired: Desired
  live: readonly string[]
  budget: Budget
}

/** What stands under `millrace` in the reported properties. A key that is null goes. */
export function reportOf({ status, settings, desired, live, budget }: ReportParts): Record<string, unknown> {
  const { spool, clock, accounts, rules } = status
  const { used: _used, blocksPerHour: _rate, ...quota } = budget.status()
  return {
    version: status.version,
    epoch: status.epoch,
    settingsHash: status.settingsHash,
    settings: {
      ...settings,
      problems: settings.problems.length > 0 ? settings.problems : null,
      inForce: {
        windowLengthMs: status.windowLengthMs,
        windowLatenessMs: status.windowLatenessMs,
        live: desired.live ?? live,
        maxBlocksPerDay: budget.maxBlocksPerDay,
      },
    },
    rules: rules
      ? {
          running: rules.version,
          wanted: desired.rules?.version ?? null,
          problem: rules.problem?.slice(0, 400) ?? null,
        }
      : { running: null, wanted: desired.rules?.version ?? null, problem: null },
    clock: { source: clock.source, offsetMs: clock.offsetMs, steps: clock.steps },
    spool: {
      name: spool.name,
      bytes: spool.bytes,
      maxBytes: spool.maxBytes,
      outboxMessages: spool.outboxMessages,
      full: spool.full,
      bridgesDays: spool.bridgesDays,
    },
    accounts: { ...accounts, unaccounted: status.unaccounted, devices: status.devices, series: status.series },
    quota,
  }
}
