import { drillSite } from '@millrace/contracts'
import { z } from 'zod'
import { getJson } from '../verify/api.ts'
import { tooLateReason } from '../verify/too-late.ts'
import type { Target } from './target.ts'

const view = z.object({
  spool: z.object({ outboxMessages: z.number(), oldestOutboxMs: z.number().nullable(), full: z.boolean() }),
  uplink: z.object({ connected: z.boolean() }),
  accounts: z.object({ accepted: z.number() }),
})
export type AgentView = z.infer<typeof view>

/** How the agent is at this moment; undefined while it does not answer. */
export async function agentView({ ports, token }: Target): Promise<AgentView | undefined> {
  const address = { url: `http://127.0.0.1:${ports.agent}`, token, flag: '--agent-port' }
  const answer = await getJson(address, '/api/status').catch(() => undefined)
  return view.safeParse(answer).data
}

/** Readings of the devices of the drill itself that the agent has set aside, by device; but for what came too late. */
export async function setAsideBy({ api }: Pick<Target, 'api'>): Promise<Map<string, number>> {
  const { devices } = await api.agent()
  const own = devices.filter(({ site }) => site === drillSite)
  return new Map(own.map(({ device, setAside }) => [device, unusable(setAside)]))
}

const unusable = ({ [tooLateReason]: _late, ...reasons }: Record<string, number>) =>
  Object.values(reasons).reduce((sum, count) => sum + count, 0)
