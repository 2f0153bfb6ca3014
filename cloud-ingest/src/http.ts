import type { Readable } from 'node:stream'
import { createHttpServer, dataFolderId, type HttpServer } from '@millrace/pipeline'
import { type KeptLetter, type Replayed, serveDeadLetters } from '@millrace/spool'
import { agentsOf, fillAccountMeters } from './account-meters.ts'
import { backupStream } from './backup/write.ts'
import type { Parts } from './parts.ts'
import type { BodyHead, Spooled } from './received.ts'
import { replayLetter } from './replay.ts'
import { createFigures } from './reporting.ts'
import type { AlertsContext } from './serve/alerts.ts'
import { serveExplain } from './serve/explain.ts'
import { servePage } from './serve/page.ts'
import { serveApi } from './serve/server.ts'
import { keepPartsMs } from './spool/group.ts'
import { SpoolMarks } from './spool/marks.ts'

/** A backup waits so long for a store that is behind. */
const drainWithinMs = 20_000

/**
 * Ready means: takes what agents send, and answers. A broker that is away, or a store beside the first, is named in the
 * reasons and hinders neither.
 */
function readiness({ feeders, link, custody, alerting }: Parts): { ok: boolean; reasons: string[] } {
  const [first, ...others] = feeders.states().map(({ type, error }) => error && `store ${type}: ${error}`)
  const hindered = [custody.receiver.problem, first].filter((reason) => reason != null)
  const alerts = feeders.states().map(({ type, error }) => {
    const problem = error === null ? alerting.problemOf(type) : null
    return problem && `alerts for store ${type}: ${problem}`
  })
  const rules = alerting.rules?.evaluator.state().error
  const reasons = [...hindered, link.problem(), ...others, ...alerts, rules && `rules: ${rules}`].filter((reason) => {
    return reason != null
  })
  return { ok: hindered.length === 0, reasons }
}

/** Nothing is committed or receipted while the backup is read, so that spool and store belong together. */
async function backUp(type: string | undefined, { config, clock, stores, custody, feeders }: Parts): Promise<Readable> {
  const [first] = stores.keys()
  const name = type ?? first!
  const release = await custody.receiver.hold()
  try {
    for (const drained of new Set([first!, name])) await feeders.drained(drained, drainWithinMs)
    const stream = backupStream({
      ...{ store: name, atMs: clock.now(), dataDir: config.dataDir },
      copySpoolTo: (file) => custody.copyTo(file),
      readAll: () => stores.get(name)!.readAll(),
      readAllAlerts: () => stores.get(name)!.readAllAlerts(),
    })
    return stream.once('close', release)
  } catch (error) {
    release()
    throw error
  }
}

function alertsOf({ alerting, clock }: Parts): AlertsContext {
  return {
    clock,
    list: (query) => alerting.list(query),
    find: (id) => alerting.find(id),
    acknowledge: (id, acknowledgement) => alerting.acknowledge(id, acknowledgement),
    silences: () => alerting.silences(),
    addSilence: (silence) => alerting.addSilence(silence),
    removeSilence: (id) => alerting.removeSilence(id),
    evaluators: () => alerting.evaluators(),
    rules: () => alerting.rulesInForce(),
  }
}

async function replay(letter: KeptLetter, { custody, clock }: Parts): Promise<Replayed> {
  const offer = (message: Spooled) => custody.receiver.offer(message)
  const knows = (head: BodyHead) => custody.knows(head)
  return await replayLetter(letter, { offer, knows, keptFromMs: clock.now() - keepPartsMs })
}

/** The HTTP side, not yet listening. */
export async function createHttp(parts: Parts): Promise<HttpServer> {
  const { config, clock, log, meters, view, stores, custody, feeders } = parts
  const { page, ...address } = config.http
  const figures = createFigures(parts)
  const marks = await SpoolMarks.open(custody.spool)
  const http = createHttpServer({ ...address, log, meters, name: 'millrace-ingest', ready: () => readiness(parts) })
  serveApi(http.app, {
    ...{ clock, stores, series: view.series, openWindows: view.openWindows, events: view.events },
    statuses: view.statuses,
    dataFolder: dataFolderId(config.dataDir),
    accounts: async () => {
      const { total, devices } = await custody.accounts(feeders.progress())
      return { at: clock.now(), total, devices, stores: feeders.states(), agents: agentsOf(view.statuses.values()) }
    },
    pipeline: () => figures.read(),
    alerts: alertsOf(parts),
    marks: { list: (span) => marks.list(span), put: (mark) => marks.put(mark) },
    deadLetters: () => custody.deadLetters(),
    backup: (store) => backUp(store, parts),
  })
  serveExplain(http.app, {
    ...{ clock, stores, series: view.series, openWindows: view.openWindows, statuses: view.statuses, keepPartsMs },
    fromSpool: (series, moment) => custody.explain({ series, moment, stores: feeders.positions() }),
  })
  serveDeadLetters(http.app, { spool: custody.spool, replay: (letter) => replay(letter, parts) })
  http.app.addHook('onRequest', async ({ routeOptions }) => {
    if (routeOptions.url === '/metrics') fillAccountMeters(meters, await custody.accounts(feeders.progress()))
  })
  parts.stages.watch(http.app)
  await servePage(http.app, page)
  return http
}
