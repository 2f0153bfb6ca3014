/**
 * Counts messages for completeness. Every message counts in some window, those whose readings are set aside included:
 * one ahead of the agent's time in the window of its arrival, one below the floor in the floor's window.
 * Messages never move a watermark.
 */
import { futureMs } from '@millrace/contracts'
import type { MessageColumns } from '../types.ts'
import { type Arrival, stamped } from './arrival.ts'
import type { DeviceState } from './device-state.ts'
import type { KeeperState } from './keeper-state.ts'
import { OpenMessages } from './open-messages.ts'

export class MessageIntake {
  private readonly state: KeeperState

  constructor(state: KeeperState) {
    this.state = state
  }

  apply(arrived: MessageColumns, arrival: Arrival): void {
    const messages = stamped(arrived, arrival)
    for (let i = 0; i < messages.length; i += 1) {
      const owner = this.state.device(messages.device[i]!)
      this.state.touch(owner)
      const ts = messages.ts[i]!
      const window = this.windowOf(owner, countedAt(owner, ts, arrival))
      window.add(messages.boot[i]!, ts, messages.seq[i]!)
      this.state.touchMessages(window)
    }
  }

  private windowOf(owner: DeviceState, ts: number): OpenMessages {
    const recent = owner.recentMessages
    if (recent && ts >= recent.start && ts < recent.end) return recent
    const window = findOpen(owner, ts) ?? this.open(owner, ts)
    owner.recentMessages = window
    return window
  }

  private open(owner: DeviceState, ts: number): OpenMessages {
    const { lengthMs, maxReadings } = owner.settingsAt(ts)
    const start = Math.floor(ts / lengthMs) * lengthMs
    const closeAt = owner.closeAtFor(start + lengthMs, lengthMs)
    const window = new OpenMessages(owner.id, { start, lengthMs, maxReadings, closeAt })
    this.state.linkMessages(owner, window)
    return window
  }
}

function countedAt(owner: DeviceState, ts: number, { wallMs }: Arrival): number {
  const notAhead = ts > wallMs + futureMs ? wallMs : ts
  if (notAhead >= owner.floor) return notAhead
  const { lengthMs } = owner.settingsAt(notAhead)
  const end = Math.floor(notAhead / lengthMs) * lengthMs + lengthMs
  return end <= owner.floor ? owner.floor : notAhead
}

function findOpen(owner: DeviceState, ts: number): OpenMessages | undefined {
  for (const window of owner.openMessages) if (ts >= window.start && ts < window.end) return window
  return undefined
}
