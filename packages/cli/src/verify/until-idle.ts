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

/** How much is on its way behind closed windows: messages in the outbox and changes that a store has not taken. */
export async function underWay(stack: StackApi, state: AgentState): Promise<UnderWay> {
  const { stores } = await stack.accounts()
  const moving = state.spool.outboxMessages + stores.reduce((sum, { behind }) => sum + behind, 0)
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
