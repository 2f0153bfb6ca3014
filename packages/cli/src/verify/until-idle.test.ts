import type { AccountsResponse } from '@millrace/contracts'
import { expect, it } from 'vitest'
import type { AgentState, StackApi } from './api.ts'
import { untilIdle } from './until-idle.ts'

const sent = 60

/** An agent that sent everything to a hub; the ingest is told of its readings one look after the other. */
function behindHub(told: number[]): StackApi {
  const device = { site: 'a', device: 'd', accepted: sent, open: 0, setAside: {}, openWindows: [], floorMs: null, sent }
  const state: AgentState = { windowLengthMs: 60_000, spool: { name: 's', outboxMessages: 0 }, devices: [device] }
  const accounts = () => {
    const newest = told.length > 1 ? told.shift()! : told[0]!
    const devices = [
      { ...device, spool: 's', sent: newest },
      { ...device, spool: 'an earlier one', sent: 900 },
    ]
    return { devices, stores: [] } as unknown as AccountsResponse
  }
  const never = () => Promise.reject(new Error('not asked for'))
  return {
    agent: async () => state,
    accounts: async () => accounts(),
    tooLateLetters: never,
    series: never,
    rows: never,
  }
}

it('what a hub holds and the ingest has not read is still on its way', async () => {
  let waits = 0
  const pause = async () => void waits++
  const wait = { limitMs: 60_000, progress: () => undefined, pause, monotonic: () => waits * 1000 }
  await untilIdle({ ...wait, stack: behindHub([0, 20, 59, sent]) })
  expect(waits).toBe(3)
  await expect(untilIdle({ ...wait, stack: behindHub([59]) })).rejects.toThrow(/not idle/)
})
