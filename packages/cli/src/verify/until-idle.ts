import type { AccountsResponse } from '@millrace/contracts'
import { MillraceError } from '@millrace/pipeline'
import type { AgentState, StackApi } from './api.ts'

/** How to wait for a running stack. */
export interface Wait {
  stack: StackApi
  /** Longest wait, ms of real time. */
  limitMs: number
  progress(text: string): void
  pause(ms: number): Promise<void>
  /** Ms of real time. */
  monotonic(): number
}

export const pollMs = 1000

const openReadings = (state: AgentState) => state.devices.reduce((sum, { open }) => sum + open, 0)

interface UnderWay {
  moving: number
  /** A store may have to merge hours or days anew. */
  merging: boolean
}

/** Devices of which the ingest was told less than their agent sent: a hub has it, and it is nobody's outbox any more. */
function devicesAhead({ devices, spool }: AgentState, accounts: AccountsResponse): number {
  const told = new Map(accounts.devices.map((each) => [`${each.site}/${each.device}/${each.spool}`, each.sent]))
  return devices.filter(({ site, device, sent }) => sent > (told.get(`${site}/${device}/${spool.name}`) ?? 0)).length
}

/**
 * How much is on its way behind closed windows: messages in the outbox, devices whose newest message the ingest does not
 * have yet, and changes that a store has not taken.
 */
export async function underWay(stack: StackApi, state: AgentState): Promise<UnderWay> {
  const accounts = await stack.accounts()
  const { stores } = accounts
  const behind = stores.reduce((sum, store) => sum + store.behind, 0)
  const moving = state.spool.outboxMessages + behind + devicesAhead(state, accounts)
  return { moving, merging: stores.some(({ mergesDue }) => mergesDue) }
}

/** Resolves when the agent has nothing open and nothing is on its way to a store. */
export async function untilIdle({ stack, limitMs, progress, pause, monotonic }: Wait): Promise<AgentState> {
  const deadline = monotonic() + limitMs
  for (;;) {
    const state = await stack.agent()
    const [open, { moving }] = [openReadings(state), await underWay(stack, state)]
    if (open === 0 && moving === 0) return state
    progress(`waiting for idle: ${open} readings in open windows, ${moving} messages and changes on their way`)
    if (monotonic() > deadline)
      throw new MillraceError('check-failed', `the stack is not idle after ${limitMs / 1000} s`)
    await pause(pollMs)
  }
}
