import { type AgentExplanation, nameSchema } from '@millrace/contracts'
import { checkConfig, createHttpServer, type HttpServer, type Logger, type Meters } from '@millrace/pipeline'
import { type DeadLetterContext, serveDeadLetters } from '@millrace/spool'
import { z } from 'zod'
import { fillAccountMeters } from './account-meters.ts'
import type { AgentConfig } from './config.ts'
import type { Asked } from './explain.ts'
import type { AgentStatus } from './status.ts'
import type { StatusReporter } from './status-reporter.ts'

export interface AgentHttpOptions {
  config: AgentConfig
  log: Logger
  meters: Meters
  reporter: StatusReporter
  ready(): { ok: boolean; reasons: string[] }
  explain(asked: Asked): Promise<AgentExplanation | undefined>
  deadLetters: DeadLetterContext
}

const explainQuery = z.object({
  ...{ site: nameSchema, device: nameSchema, metric: nameSchema.optional() },
  start: z.coerce.number().nonnegative().optional(),
})
const statusQuery = z.object({ devices: z.enum(['0', '1']).default('0') })
/** As the ingest's: devices unless they are not wanted. */
const accountsQuery = z.object({ devices: z.enum(['0', '1']).default('1') })

function fillRuleMeters(
  meters: Meters,
  { rules, active, raised, problem, channels }: NonNullable<AgentStatus['rules']>,
) {
  meters.gauge('rules', 'Alert rules in force').set(rules)
  meters.gauge('rules_refused', '1 while the newest rule files are refused').set(problem === null ? 0 : 1)
  meters.gauge('alerts_active', 'Alerts now active').set(active)
  meters.gauge('alerts_raised', 'Alerts raised since the start').set(raised)
  const waiting = meters.gauge('notices_waiting', 'Changes of alerts that a channel has still to be told', ['channel'])
  const down = meters.gauge('channel_down', '1 while a channel cannot be reached', ['channel'])
  for (const { channel, waiting: count, error } of channels) {
    waiting.set({ channel }, count)
    down.set({ channel }, error === null ? 0 : 1)
  }
}

/** Of an uplink that is metered by the day. */
const budgetDetail = z.object({
  budget: z.object({ used: z.number(), maxBlocksPerDay: z.number(), stage: z.string() }),
})
const stages = ['free', 'no-live', 'packing', 'held']

function fillClockMeters(meters: Meters, { devices }: AgentStatus['clock']): void {
  const clocks = meters.gauge('device_clocks', 'Devices by the state of their clock', ['state'])
  for (const [state, count] of Object.entries(devices.states)) clocks.set({ state }, count)
  const worst = devices.worst.reduce((most, { offsetMs }) => Math.max(most, Math.abs(offsetMs ?? 0)), 0)
  meters.gauge('device_clock_worst_offset_ms', 'Furthest that a clock named as not good is off').set(worst)
  meters.gauge('restamped_readings', 'Readings given another time since the start').set(devices.restamped)
}

function fillBudgetMeters(meters: Meters, { detail }: AgentStatus['uplink']): void {
  const { success, data } = budgetDetail.safeParse(detail)
  if (!success) return
  const { used, maxBlocksPerDay, stage } = data.budget
  meters.gauge('uplink_blocks_used', 'Metered blocks used on this UTC day').set(used)
  meters.gauge('uplink_blocks_max', 'Metered blocks that a day may take').set(maxBlocksPerDay)
  const stageHelp = 'What the blocks of the day allow: 0 free, 1 no-live, 2 packing, 3 held'
  meters.gauge('uplink_blocks_stage', stageHelp).set(stages.indexOf(stage))
}

function fillCollectMeters(meters: Meters, { connections, denied = {}, quota }: AgentStatus['collect']): void {
  if (connections !== undefined) meters.gauge('connections', 'Connections of devices').set(connections)
  const denials = meters.gauge('denied', 'What the broker denied since the start, by reason', ['reason'])
  for (const [reason, count] of Object.entries(denied)) denials.set({ reason }, count)
  if (!quota) return
  meters
    .gauge('quota_messages_per_second', 'Messages that one device may send in the long run')
    .set(quota.messagesPerSecond)
  meters.gauge('quota_waiting', 'Senders over their quota that wait now').set(quota.waiting.length)
  meters.gauge('quota_pauses', 'How often a sender over its quota was kept waiting, since the start').set(quota.pauses)
  meters.gauge('quota_paused_seconds', 'For how long in all').set(quota.pausedMs / 1000)
}

/** Prometheus' convention: a moment is in seconds. */
function fillCertificateMeters(meters: Meters, { collect, uplink }: AgentStatus): void {
  const end = meters.gauge('certificate_not_after_seconds', 'When a certificate that the agent shows ends', ['setting'])
  for (const { setting, notAfterMs } of collect.certificates ?? []) end.set({ setting }, notAfterMs / 1000)
  for (const { setting, notAfterMs } of uplink.certificates)
    end.set({ setting: `uplink.${setting}` }, notAfterMs / 1000)
}

async function fillMeters(meters: Meters, reporter: StatusReporter): Promise<void> {
  const status = await reporter.status()
  const { spool, uplink, disk, sensors, deadLetters, devices, series } = status
  if (status.rules) fillRuleMeters(meters, status.rules)
  fillAccountMeters(meters, status, reporter.accounts())
  const letters = meters.gauge('dead_letter_readings', 'Readings set aside, ever', ['reason'])
  for (const [reason, count] of Object.entries(deadLetters)) letters.set({ reason }, count)
  meters.gauge('spool_bytes', 'Bytes used in the spool').set(spool.bytes)
  meters.gauge('spool_max_bytes', 'Bytes the spool may use').set(spool.maxBytes)
  meters.gauge('spool_full', '1 while deliveries are refused for lack of room').set(spool.full ? 1 : 0)
  meters.gauge('outbox_messages', 'Messages that wait for a receipt').set(spool.outboxMessages)
  meters.gauge('uplink_connected', '1 while connected').set(uplink.connected ? 1 : 0)
  meters.gauge('uplink_outstanding', 'Messages sent that wait for a receipt').set(uplink.outstanding)
  fillBudgetMeters(meters, uplink)
  fillClockMeters(meters, status.clock)
  fillCollectMeters(meters, status.collect)
  fillCertificateMeters(meters, status)
  if (disk.writtenBytes !== null) {
    meters.gauge('disk_written_bytes', 'Bytes sent to the disk since the start').set(disk.writtenBytes)
  }
  meters.gauge('disk_commits', 'Transactions on the spool since the start').set(disk.commits)
  const silent = meters.gauge('sensor_problems', 'Sensors of this machine that cannot be read', ['type'])
  for (const { type, problems } of sensors) silent.set({ type }, problems.length)
  meters.gauge('devices', 'Devices ever seen').set(devices)
  meters.gauge('series', 'Series ever seen').set(series)
}

/** `/api/accounts`, one entry per device unless `?devices=0`. */
function serveAccounts({ app }: HttpServer, reporter: StatusReporter): void {
  app.get('/api/accounts', async (request, reply) => {
    const query = accountsQuery.safeParse(request.query)
    if (!query.success) return await reply.code(400).send({ error: 'bad-request', message: 'devices is 0 or 1' })
    const { agent, site, spool, accounts, unaccounted, lostMessages } = await reporter.status()
    const devices = reporter.accounts()
    const sent = devices.reduce((sum, device) => sum + device.sent, 0)
    const total = { ...accounts, sent, unaccounted, lostMessages }
    return { agent, site, spool: spool.name, total, devices: query.data.devices === '1' ? devices : [] }
  })
}

/** `/api/status`, with `?devices=1` one entry per device, and `/api/explain`, beside health and meters. */
export function createAgentHttp(options: AgentHttpOptions): HttpServer {
  const { config, log, meters, reporter, ready, explain } = options
  const server = createHttpServer({ ...config.http, log, meters, name: 'agent', ready })
  server.app.addHook('onRequest', async (request) => {
    if (request.routeOptions.url === '/metrics') await fillMeters(meters, reporter)
  })
  serveAccounts(server, reporter)
  server.app.get('/api/status', async (request, reply) => {
    const query = statusQuery.safeParse(request.query)
    if (!query.success) return await reply.code(400).send({ error: 'bad-request', message: 'devices is 0 or 1' })
    if (query.data.devices === '0') return await reporter.status()
    const devices = await reporter.devices()
    return { ...(await reporter.status()), devices }
  })
  server.app.get('/api/explain', async (request, reply) => {
    const { site, device, metric, start } = checkConfig(request.query, explainQuery, 'the query')
    const window = { ...(metric === undefined ? {} : { metric }), ...(start === undefined ? {} : { start }) }
    const found = await explain({ site, device, ...window })
    return found ?? (await reply.code(404).send({ error: 'not-found', message: 'this agent has not heard of it' }))
  })
  serveDeadLetters(server.app, options.deadLetters)
  return server
}
