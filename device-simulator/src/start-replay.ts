import { resolve } from 'node:path'
import { fileClock, loadConfig, type Running, systemClock } from '@millrace/pipeline'
import { createPublishers } from './connections.ts'
import { startProgressLine } from './progress-line.ts'
import { releaseClock } from './release-clock.ts'
import { mapSchema, type ReadReport } from './replay/index.ts'
import { startReplay as startReplayPipeline } from './replay-pipeline.ts'
import type { Settings } from './settings.ts'
import type { Output } from './start-fleet.ts'

/** Publishes a recording, says what could not be read, and ends. */
export async function startReplay(settings: Settings, { log, print }: Output): Promise<Running> {
  const map = await loadConfig(settings.map!, mapSchema)
  const [publisher] = await createPublishers({ ...settings, connections: 1 }, log)
  const replay = await startReplayPipeline(
    { file: resolve(settings.replay!), map, at: settings.at, ledger: settings.ledger },
    {
      clock: settings.clock === undefined ? systemClock : fileClock(settings.clock),
      log,
      publisher: publisher!,
    },
  )
  const details = () => (publisher!.connected ? '' : ', not connected')
  const stopProgress = startProgressLine({ totals: replay.totals, details }, print)
  const ended = replay.finished.then(() => releaseClock(settings))
  return {
    ended,
    async stop() {
      await replay.stop()
      stopProgress()
      for (const line of reportLines(replay.report)) print(line)
    },
  }
}

/** What could not be read, for people. */
export function reportLines({
  lines,
  messages,
  readings,
  passedOver,
  unparsable,
  badValues,
  named,
}: ReadReport): string[] {
  const more = unparsable + badValues - named.length
  return [
    `${lines} lines: ${messages} messages with ${readings} readings, ${unparsable} unparsable, ${passedOver} passed over, ${badValues} bad values`,
    ...named.map(({ line, reason }) => `line ${line}: ${reason}`),
    ...(more > 0 ? [`and ${more} more`] : []),
  ]
}
