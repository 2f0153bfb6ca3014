import type { Silence } from '@millrace/contracts'
import { deadLetters, type Spool } from '@millrace/spool'
import { channels } from './channels/index.ts'
import type { ChannelState } from './compose.ts'
import type { NotifyConfig } from './config.ts'
import { Delivery } from './delivery.ts'
import { type Line, SpooledNotifier } from './notifier.ts'
import { Planner } from './planner.ts'
import { policyOf } from './policy.ts'
import { channelSettings } from './settings.ts'
import {
  deposited,
  dropChannel,
  dropSilences,
  notifyTables,
  savedAcknowledgements,
  savedChannels,
  savedEntries,
  savedSilences,
} from './tables.ts'
import type { Notifier, NotifierOptions } from './types.ts'

const day = 24 * 3_600_000
/** As long as the ingest keeps alerts. */
const keepAcknowledgementsMs = 90 * day
/** A machine waits for its state, and its link does not ring a server that is away any more often. */
const stateRetryMs = 5_000
const defaultBackoff = { minMs: 1_000, maxMs: 300_000 }

/** What channels ask of the planner, which is made after them. */
export interface Ask {
  isOutdated(name: string): boolean
  stateAgain(name: string): void
}

/**
 * Makes the channels, and goes on where the last run ended. Connects to nothing before `start`.
 * Throws a UsageError that names the setting whose secret cannot be read.
 */
export async function openNotifier(options: NotifierOptions): Promise<Notifier> {
  return await resume(options, (ask) => openLines(options, ask))
}

/** The same with lines of any make. */
export async function resume(
  options: NotifierOptions,
  open: (ask: Ask) => Promise<readonly Line[]>,
): Promise<SpooledNotifier> {
  const { spool, config, clock, evaluator } = options
  const made: { planner?: Planner } = {}
  const lines = await open({
    isOutdated: (name) => made.planner?.isOutdated(name) ?? false,
    stateAgain: (name) => made.planner?.stateAgain(name),
  })
  await spool.write(
    notifyTables.map((sql) => ({ sql, rows: [[]] })),
    { reserve: true },
  )
  const policies = lines.map(({ policy }) => policy)
  const states = await savedChannels(spool)
  await letGo(options, states, new Set(policies.map(({ name }) => name)))
  const saved = { entries: await savedEntries(spool), channels: states }
  const planner = new Planner(policies, { evaluator, keyPrefix: spool.name }, saved)
  made.planner = planner
  for (const { name, tells } of policies) if (tells === 'states') planner.stateAgain(name)
  for (const silence of await silencesOf(config, spool, clock.now())) planner.silences.set(silence)
  const acknowledged = await savedAcknowledgements(spool, clock.now() - keepAcknowledgementsMs)
  for (const [id, acknowledgement] of acknowledged) planner.acknowledged.set(id, acknowledgement)
  return new SpooledNotifier(options, { planner, lines, inbox: await deposited(spool) })
}

async function openLines(options: NotifierOptions, ask: Ask): Promise<Line[]> {
  const { config, log, evaluator, publish, backoff = defaultBackoff } = options
  return await Promise.all(
    config.channels.map(async (settings) => {
      const { name, timeout } = channelSettings.parse(settings)
      const context = { name, evaluator, log, stateAgain: () => ask.stateAgain(name), ...(publish && { publish }) }
      const channel = await channels.create(settings, context)
      const patience = {
        ...backoff,
        maxMs: channel.tells === 'states' ? Math.min(backoff.maxMs, stateRetryMs) : backoff.maxMs,
      }
      const way = { name, channel, timeoutMs: timeout, backoff: patience, log, isOutdated: () => ask.isOutdated(name) }
      return { policy: policyOf(settings, channel.tells, config), channel, delivery: new Delivery(way) }
    }),
  )
}

/** A channel that is configured no longer cannot be told what was on its way to it: that is set aside, and counted. */
async function letGo({ spool, clock, log }: NotifierOptions, states: Map<string, ChannelState>, kept: Set<string>) {
  for (const [name, { outgoing }] of states) {
    if (kept.has(name)) continue
    const source = `notify/${name}`
    const body = Buffer.from(JSON.stringify({ refused: 'the channel was removed', notice: outgoing?.notice ?? null }))
    const letter = { atMs: clock.now(), reason: 'notice-refused', source, device: null, site: null, count: 0, body }
    await spool.write([...dropChannel(name), ...(outgoing ? deadLetters.add(letter) : [])], { reserve: true })
    states.delete(name)
    if (outgoing) log.warn({ channel: name }, 'a notice of a removed channel was set aside')
  }
}

/** Those of the config file, and those that people made and that are not over. */
async function silencesOf(config: NotifyConfig, spool: Spool, nowMs: number): Promise<Silence[]> {
  const made = await savedSilences(spool)
  const over = made.filter(({ untilMs }) => untilMs <= nowMs).map(({ id }) => id)
  await spool.write(dropSilences(over), { reserve: true })
  const configured = config.silences.map(({ match, from, until, reason }, index): Silence => {
    return {
      id: `config-${index + 1}`,
      match: match as Silence['match'],
      fromMs: from,
      untilMs: until,
      by: 'config',
      reason,
    }
  })
  return [...configured, ...made.filter(({ untilMs }) => untilMs > nowMs)]
}
