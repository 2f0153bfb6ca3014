import { z } from 'zod'
import { getJson } from '../verify/api.ts'
import { deviceKey } from '../verify/ledger.ts'
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

/** Readings that were acknowledged and found no window any more, by `site/device`. */
export async function tooLateBy({ api }: Target): Promise<Map<string, number>> {
  const { devices } = await api.agent()
  return new Map(devices.map((state) => [deviceKey(state), state.setAside['too-late'] ?? 0]))
}

/** Readings of the devices of the drill itself that the agent has set aside, by device. */
export async function setAsideBy({ api }: Target, site: string): Promise<Map<string, number>> {
  const { devices } = await api.agent()
  const own = devices.filter((device) => device.site === site)
  return new Map(own.map(({ device, setAside }) => [device, Object.values(setAside).reduce((sum, n) => sum + n, 0)]))
}
