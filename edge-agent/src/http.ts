import { createHttpServer, type HttpServer, type Logger, type Meters } from '@millrace/pipeline'
import { z } from 'zod'
import type { AgentConfig } from './config.ts'
import type { AgentStatus } from './status.ts'
import type { StatusReporter } from './status-reporter.ts'

export interface AgentHttpOptions {
  config: AgentConfig
  log: Logger
  meters: Meters
  reporter: StatusReporter
  ready(): { ok: boolean; reasons: string[] }
}

const statusQuery = z.object({ devices: z.enum(['0', '1']).default('0') })

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

function fillBudgetMeters(meters: Meters, { detail }: AgentStatus['uplink']): void {
  const { success, data } = budgetDetail.safeParse(detail)
  if (!success) return
  const { used, maxBlocksPerDay, stage } = data.budget
  meters.gauge('uplink_blocks_used', 'Metered blocks used on this UTC day').set(used)
  meters.gauge('uplink_blocks_max', 'Metered blocks that a day may take').set(maxBlocksPerDay)
  const stageHelp = 'What the blocks of the day allow: 0 free, 1 no-live, 2 packing, 3 held'
  meters.gauge('uplink_blocks_stage', stageHelp).set(stages.indexOf(stage))
}

async function fillMeters(meters: Meters, reporter: StatusReporter): Promise<void> {
  const status = await reporter.status()
  const { accounts, unaccounted, spool, uplink, disk, sensors, deadLetters, devices, series } = status
  if (status.rules) fillRuleMeters(meters, status.rules)
  const readings = meters.gauge('readings', 'Readings by the term they are counted in, ever', ['term'])
  for (const [term, count] of Object.entries(accounts)) readings.set({ term }, count)
  meters.gauge('unaccounted', 'Accepted readings that no term holds; 0 or something is wrong').set(unaccounted)
  const letters = meters.gauge('dead_letter_readings', 'Readings set aside, ever', ['reason'])
  for (const [reason, count] of Object.entries(deadLetters)) letters.set({ reason }, count)
  meters.gauge('spool_bytes', 'Bytes used in the spool').set(spool.bytes)
  meters.gauge('spool_max_bytes', 'Bytes the spool may use').set(spool.maxBytes)
  meters.gauge('spool_full', '1 while deliveries are refused for lack of room').set(spool.full ? 1 : 0)
  meters.gauge('outbox_messages', 'Messages that wait for a receipt').set(spool.outboxMessages)
  meters.gauge('uplink_connected', '1 while connected').set(uplink.connected ? 1 : 0)
  meters.gauge('uplink_outstanding', 'Messages sent that wait for a receipt').set(uplink.outstanding)
  fillBudgetMeters(meters, uplink)
  if (disk.writtenBytes !== null) {
    meters.gauge('disk_written_bytes', 'Bytes sent to the disk since the start').set(disk.writtenBytes)
  }
  meters.gauge('disk_commits', 'Transactions on the spool since the start').set(disk.commits)
  const silent = meters.gauge('sensor_problems', 'Sensors of this machine that cannot be read', ['type'])
  for (const { type, problems } of sensors) silent.set({ type }, problems.length)
  meters.gauge('devices', 'Devices ever seen').set(devices)
  meters.gauge('series', 'Series ever seen').set(series)
}

/** `/api/status`, and with `?devices=1` one entry per device, beside health and meters. */
export function createAgentHttp({ config, log, meters, reporter, ready }: AgentHttpOptions): HttpServer {
  const server = createHttpServer({ ...config.http, log, meters, name: 'agent', ready })
  server.app.addHook('onRequest', async (request) => {
    if (request.routeOptions.url === '/metrics') await fillMeters(meters, reporter)
  })
  server.app.get('/api/status', async (request, reply) => {
    const query = statusQuery.safeParse(request.query)
    if (!query.success) return await reply.code(400).send({ error: 'bad-request', message: 'devices is 0 or 1' })
    if (query.data.devices === '0') return await reporter.status()
    const devices = await reporter.devices()
    return { ...(await reporter.status()), devices }
  })
  return server
}
