import type { AccountsResponse, DeviceAccounts } from '@millrace/contracts'
import type { Meters } from '@millrace/pipeline'
import type { Accounts } from './spool/accounts.ts'

/** A time series for each term of each device: more devices than this are only in the totals. */
export const maxMeteredDevices = 100

const plain = ['accepted', 'closed', 'open', 'duplicate', 'tooLate', 'qos0', 'sent', 'held', 'refused'] as const

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((total, one) => total + one, 0)

function termsOf(device: DeviceAccounts): Record<string, number> {
  const terms = Object.fromEntries(plain.map((term) => [term, device[term]]))
  return { ...terms, invalid: sum(device.invalid), dropped: sum(device.dropped) }
}

interface AgentSums {
  site: string
  agent: string
  terms: Record<string, number>
  unaccounted: number
}

/** An agent may send devices of several sites; its spools are one. */
function byAgent(devices: readonly DeviceAccounts[]): AgentSums[] {
  const agents = new Map<string, AgentSums>()
  for (const device of devices) {
    const { site, agent } = device
    const sums = agents.get(`${site}/${agent}`) ?? { site, agent, terms: {}, unaccounted: 0 }
    agents.set(`${site}/${agent}`, sums)
    for (const [term, count] of Object.entries(termsOf(device))) sums.terms[term] = (sums.terms[term] ?? 0) + count
    sums.unaccounted += Math.abs(device.unaccounted)
  }
  return [...agents.values()]
}

/** What agents said and what is held: in all, of each agent, and of each device as long as they are few. */
export function fillAccountMeters(meters: Meters, { total, devices, missing }: Accounts): void {
  const readings = meters.gauge('readings', 'Readings by term, ever, of all devices', ['term'])
  for (const term of [...plain, 'invalid', 'dropped'] as const) readings.set({ term }, total[term])
  meters
    .gauge('unaccounted', 'Readings that no term of the agents holds; 0 or something is wrong')
    .set(total.unaccounted)
  meters
    .gauge('mismatch', 'Readings sent that are neither held nor refused; 0 or something is wrong')
    .set(total.mismatch)
  const absent = meters.gauge('missing_upstream_messages', 'Messages missing between those received', ['site', 'agent'])
  const missingOf = Map.groupBy(missing, ({ site, agent }) => JSON.stringify([site, agent]))
  for (const [name, spools] of missingOf) {
    const [site, agent] = JSON.parse(name) as [string, string]
    absent.set(
      { site, agent },
      spools.reduce((all, { messages }) => all + messages, 0),
    )
  }
  fillAgents(meters, byAgent(devices))
  fillDevices(meters, devices)
}

function fillAgents(meters: Meters, agents: readonly AgentSums[]): void {
  const readings = meters.gauge('agent_readings', 'Readings of an agent by term, ever', ['site', 'agent', 'term'])
  const left = meters.gauge('agent_unaccounted', 'Unaccounted readings of an agent', ['site', 'agent'])
  for (const { site, agent, terms, unaccounted } of agents) {
    for (const [term, count] of Object.entries(terms)) readings.set({ site, agent, term }, count)
    left.set({ site, agent }, unaccounted)
  }
}

function fillDevices(meters: Meters, devices: readonly DeviceAccounts[]): void {
  const labels = ['site', 'device', 'agent', 'spool', 'term']
  const readings = meters.gauge('device_readings', 'Readings of a device by term, ever', labels)
  const shown = devices.slice(0, maxMeteredDevices)
  for (const one of shown) {
    const { site, device, agent, spool } = one
    const terms = { ...termsOf(one), unaccounted: one.unaccounted }
    for (const [term, count] of Object.entries(terms)) readings.set({ site, device, agent, spool, term }, count)
  }
  meters.gauge('devices_not_metered', 'Devices beyond those metered one by one').set(devices.length - shown.length)
}

/** What agents say of themselves: they see losses that their devices' rows cannot show. */
export function agentsOf(
  statuses: Iterable<{ site: string; agent: string; counters?: Record<string, unknown> | undefined }>,
): NonNullable<AccountsResponse['agents']> {
  const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
  return [...statuses].flatMap(({ site, agent, counters }) => {
    if (counters === undefined) return []
    return [{ site, agent, unaccounted: number(counters.unaccounted), lostMessages: number(counters.lostMessages) }]
  })
}
