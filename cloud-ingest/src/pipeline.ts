import type { SeriesInfo } from '@millrace/contracts'
import { type Clock, createMeters, type Logger, pause } from '@millrace/pipeline'
import { Alerting } from './alerting.ts'
import { demandNoHalfRestore } from './backup/marker.ts'
import type { CloudMessage } from './cloud-link.ts'
import { collectors } from './collect/index.ts'
import { ReceiptBox } from './collect/receipt-box.ts'
import type { IngestConfig } from './config.ts'
import { type Decoded, decodeMessage } from './decode/index.ts'
import { keepHouse } from './housekeeping.ts'
import { createHttp } from './http.ts'
import { LiveFeed } from './live-feed.ts'
import { OwnStages } from './own-stages.ts'
import type { Parts } from './parts.ts'
import { createReporter } from './reporting.ts'
import { LiveView } from './serve/live-view.ts'
import { Custody } from './spool/index.ts'
import { daysIn } from './store/days.ts'
import { Feeders } from './store/feeders.ts'
import { openStores } from './store/open-stores.ts'
import type { Store } from './stored.ts'

/** A store that does not answer is not waited for longer: what it was given is given again at the next start. */
const stopWithinMs = 3_000
/** A store beside the first one that does not answer may have rows. */
const answerWithinMs = 5_000

/** Agents tell every 10 s that they are there. */
const agentsTellWithinMs = 15_000

export interface IngestContext {
  clock: Clock
  log: Logger
  /** Real time after a connection in which no agent is found silent. */
  settleMs?: number
}

export interface Ingest {
  /** Of the HTTP API. */
  port: number
  /** Nothing is taken from agents until the function it resolves with is called. */
  hold(): Promise<() => void>
  /** Rejects when the spool failed: the service must end and be started again. */
  ended: Promise<never>
  stop(): Promise<void>
}

/** collect -> decode -> spool -> { store, serve }. A receipt goes out once a message is on the spool's disk. */
export async function startIngest(config: IngestConfig, context: IngestContext): Promise<Ingest> {
  const parts = await createParts(config, context)
  const http = await createHttp(parts)
  const stopping = new AbortController()
  const receiving = parts.custody.receiver.run(stopping.signal)
  parts.feeders.start(stopping.signal)
  await parts.alerting.start(stopping.signal)
  for (const feed of parts.feeds) feed.start()
  const reporting = createReporter(parts).run(stopping.signal)
  const keeping = keepHouse({ ...parts, stores: [...parts.stores.values()] }, stopping.signal)
  const { port } = await http.listen()
  await parts.link.start((message) => receive(message, parts))
  parts.log.info({ port, stores: [...parts.stores.keys()] }, 'ingest is running')

  return {
    port,
    hold: () => parts.custody.receiver.hold(),
    ended: parts.custody.failed,
    async stop() {
      await parts.link.stop()
      stopping.abort()
      parts.view.events.close()
      await http.close()
      const feeding = [parts.feeders.stopped(), parts.alerting.stopped(), ...parts.feeds.map((feed) => feed.stop())]
      const ending = [receiving, keeping, reporting, ...feeding]
      await Promise.race([Promise.all(ending), pause(stopWithinMs)])
      for (const store of parts.stores.values()) await store.close()
      await parts.custody.close()
    },
  }
}

/** One message on its way: what is promised goes to the spool, the rest to whoever looks. */
async function receive(message: CloudMessage, parts: Parts): Promise<boolean> {
  const { custody, meters, stages, log } = parts
  const decoded = decodeMessage(message)
  meters.counter('messages_total', 'Messages received', ['kind']).inc({ kind: decoded.kind })
  stages.received(decoded)
  if (decoded.kind === 'spooled') return await custody.receiver.offer(decoded.spooled)
  try {
    look(decoded, parts)
  } catch (error) {
    log.warn({ error, kind: decoded.kind }, 'a best-effort message could not be used')
  }
  return true
}

/** Best effort. */
function look(decoded: Decoded, { custody, view, feeds, receipts, alerting }: Parts): void {
  if (decoded.kind === 'status') {
    // First: an agent that asks whose numbers it has waits for it.
    custody.heard(decoded.body)
    const greeting = custody.greeting(decoded.body)
    if (greeting) receipts.offer(greeting)
    view.status(decoded.body)
  }
  alerting.received(decoded)
  if (decoded.kind === 'provisional') view.provisional(decoded.body)
  if (decoded.kind !== 'live') return
  view.readings(decoded.body)
  for (const feed of feeds) feed.push(decoded.body)
}

async function createParts(
  config: IngestConfig,
  { clock, log, settleMs = agentsTellWithinMs }: IngestContext,
): Promise<Parts> {
  const { dataDir, spool, dayZone } = config
  demandNoHalfRestore(dataDir)
  const view = new LiveView(clock)
  const stages = new OwnStages()
  const meters = createMeters('millrace_ingest')
  const stores = await openStores(config, { clock, log })
  let receipts: ReceiptBox | undefined
  let alerting: Alerting | undefined
  const custody = await Custody.open({
    ...{ dataDir, clock, log, maxBytes: spool.maxBytes },
    committed(owed, messages) {
      for (const receipt of owed) receipts?.offer(receipt)
      view.committed(messages)
      alerting?.committed(messages)
      stages.committed(messages)
    },
  })
  const link = await collectors.create(config.collect, { clientId: `millrace-ingest-${custody.name}`, log, meters })
  receipts = new ReceiptBox(link, log)
  link.onConnect(() => {
    for (const receipt of custody.receipts()) receipts.offer(receipt)
  })
  alerting = await Alerting.open({ config, custody, stores, view, link, clock, log, settleMs })
  const { isShared: shared = false } = link
  const common = { clock, log: custody.log, stock: custody.stock, logger: log, days: daysIn(dayZone), shared }
  const { series, silent } = await knownSeries(stores, custody, shared)
  view.know(series)
  const feeders = new Feeders(
    [...stores].map(([name, store], index) => {
      const first = index === 0 ? { written: view.written.bind(view) } : {}
      const before = async () => await custody.followsIfBehind(name, await store.series())
      const late = silent.has(name) ? { before } : {}
      return { ...common, name, store, type: name, accountable: index === 0, ...first, ...late }
    }),
  )
  const feeds = [...stores.values()].map((store) => new LiveFeed(store, log))
  return { config, clock, log, meters, view, stores, custody, link, receipts, feeders, feeds, alerting, stages }
}

/**
 * Series of the first store and of the spool. A spool that is new, or put back from an old copy, has to know that stores
 * hold rows of parts that it lacks. Newer rows in a shared store say nothing: another ingest may have written them.
 * `silent` are stores that are still to be asked.
 */
async function knownSeries(
  stores: ReadonlyMap<string, Store>,
  custody: Custody,
  shared: boolean,
): Promise<{ series: SeriesInfo[]; silent: ReadonlySet<string> }> {
  const asked = [...stores].map(async ([name, store], index) => {
    const answer = store.series().catch(() => undefined)
    const series = await (index === 0 ? answer : Promise.race([answer, pause(answerWithinMs)]))
    return { name, series: series ?? undefined }
  })
  const answers = await Promise.all(asked)
  const series = [...(answers[0]?.series ?? []), ...custody.series()]
  if (custody.isNew) {
    if (answers.some((answer) => answer.series === undefined || answer.series.length > 0))
      await custody.followsAnother()
    return { series, silent: new Set() }
  }
  return { series, silent: shared ? new Set() : await followAll(answers, custody) }
}

/** Names of those that did not answer. */
async function followAll(
  answers: readonly { name: string; series: SeriesInfo[] | undefined }[],
  custody: Custody,
): Promise<ReadonlySet<string>> {
  const silent = new Set<string>()
  for (const { name, series } of answers) {
    if (series === undefined) silent.add(name)
    else await custody.followsIfBehind(name, series)
  }
  return silent
}
