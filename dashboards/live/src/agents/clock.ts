import type { StatusBody } from '@millrace/contracts'
import { deviceClocksOf } from '../model/device-clock.ts'
import { formatCount, formatDelay } from '../model/format.ts'
import { type Level, numberIn, textIn } from '../pipeline/stage.ts'

export interface ClockState {
  level: Level
  /** Who vouches for the agent's time, in a few words. */
  trust: string
  anchored: boolean
  /** As a sentence. */
  text: string
  offset: string
  steps: string
}

const sources: Readonly<Record<string, Pick<ClockState, 'level' | 'trust' | 'text'>>> = {
  system: { level: 'good', trust: 'the system clock', text: 'The system clock is taken as it is.' },
  synchronised: {
    ...{ level: 'good', trust: 'the time service' },
    text: 'The system clock is taken, and the time service says that it is right.',
  },
  devices: {
    ...{ level: 'waiting', trust: 'the clocks of its devices' },
    text: 'No trusted clock was found in time, so the median of the devices’ clocks stands in for it.',
  },
  none: {
    ...{ level: 'waiting', trust: 'nobody yet' },
    text: 'The time is not known yet: readings are kept and acknowledged, but no window closes.',
  },
}

const untold = { level: 'off', trust: 'not told', text: 'The agent has not told of its clock.' } as const

function offsetText(offsetMs: number | undefined): string {
  if (offsetMs === undefined) return '–'
  if (Math.abs(offsetMs) < 1) return 'none'
  return `${formatDelay(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead of' : 'behind'} the wall clock`
}

/** What its devices make of it, where they agree that it is wrong. */
function doubted(status: StatusBody | null): Partial<ClockState> {
  const disputedMs = numberIn(status?.clock, 'disputedMs')
  if (disputedMs !== undefined) {
    const step = `${formatDelay(Math.abs(disputedMs))} ${disputedMs > 0 ? 'ahead' : 'back'}`
    return {
      level: 'waiting',
      text: `The system clock stepped ${step}; the devices’ clocks contradict it, so it is not followed.`,
    }
  }
  const suspect = deviceClocksOf(status)?.suspect
  if (!suspect) return {}
  const offset = `${formatDelay(Math.abs(suspect.offsetMs))} ${suspect.offsetMs > 0 ? 'behind' : 'ahead'}`
  return { level: 'waiting', text: `Most devices agree with each other that this agent’s time is ${offset}.` }
}

/** What an agent's status says of its clock. */
export function clockOf(status: StatusBody | null): ClockState {
  const source = textIn(status?.clock, 'source')
  const known = source === undefined ? untold : (sources[source] ?? untold)
  const steps = numberIn(status?.clock, 'steps')
  return {
    ...known,
    ...doubted(status),
    anchored: source !== undefined && source !== 'none',
    offset: offsetText(numberIn(status?.clock, 'offsetMs')),
    steps: steps === undefined ? '–' : formatCount(steps),
  }
}
