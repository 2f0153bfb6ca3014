import { createHash } from 'node:crypto'
import { futureMs } from '@millrace/contracts'
import type { Clock, Logger } from '@millrace/pipeline'
import { encodeText, topicOf } from './device-message.ts'
import { objectText } from './envelope.ts'
import { createRunWriter, NumberSet, type ReplayRun, readRuns } from './ledger/index.ts'
import type { Totals } from './progress.ts'
import type { Publisher } from './publish/index.ts'
import {
  createPacker,
  emptyReport,
  hashFile,
  newestMs,
  type Parcel,
  type ReadReport,
  type RecordingMap,
  readRecording,
  sameReplay,
} from './replay/index.ts'

const minuteMs = 60_000
const saveEveryMs = 1_000
/** Parcels on the way at once. */
const maxOnTheWay = 64

export interface ReplaySettings {
  file: string
  map: RecordingMap
  at: 'now' | 'original'
  ledger?: string | undefined
}

export interface ReplayParts {
  clock: Clock
  log: Logger
  publisher: Publisher
}

export interface Replay {
  readonly totals: Readonly<Totals>
  readonly report: ReadReport
  /** All of the recording is acknowledged. */
  readonly finished: Promise<void>
  /** Safe twice. */
  stop(): Promise<void>
}

/** read -> pack -> publish: a recording goes out at full speed, each device's lines in the order of the file. */
export async function startReplay(settings: ReplaySettings, parts: ReplayParts): Promise<Replay> {
  const run = await openReplay(settings, parts.clock)
  const totals: Totals = { sent: 0, acked: 0 }
  const report = emptyReport()
  const acked = new NumberSet()
  const save = (ended: boolean) =>
    run.writer?.save({
      ...run.head,
      ended,
      repeats: parts.publisher.repeats,
      lines: totals.sent,
      acked: acked.ranges,
    }) ?? Promise.resolve()
  await Promise.all([save(false), parts.publisher.start()])
  const saves = saveRegularly(() => save(false), parts.log)
  const stopping = new AbortController()
  const finished = sendAll({ settings, head: run.head, report, signal: stopping.signal }, (parcel) => {
    totals.sent += parcel.messages.length
    return parts.publisher.publish({ topic: topicOf(parcel), body: bodyOf(parcel) }).then(() => {
      totals.acked += parcel.messages.length
      for (const position of parcel.positions) acked.add(position)
    })
  })
  return {
    ...{ totals, report, finished },
    async stop() {
      stopping.abort()
      await parts.publisher.stop()
      await finished.catch(() => undefined)
      await saves.stop()
      await save(true)
    },
  }
}

function bodyOf({ messages }: Parcel): Uint8Array {
  const objects = messages.map(({ tsMs, seq, boot, readings }) => objectText({ tsMs, seq, boot }, readings))
  return encodeText(objects.length === 1 ? objects[0]! : `[${objects.join(',')}]`)
}

/** A recording replayed before gets the times it got then: the same messages, known again by their keys. */
async function openReplay({ file, map, at, ledger }: ReplaySettings, clock: Clock) {
  const fileHash = await hashFile(file)
  const mapHash = createHash('sha256').update(JSON.stringify(map)).digest('hex')
  const runs = ledger === undefined ? [] : readRuns(ledger)
  const before = runs.find((run) => run.kind === 'replay' && sameReplay(run, { fileHash, mapHash, at }))
  const times = before?.kind === 'replay' ? before : await timesOf({ file, map, at }, clock.now())
  const number = runs.length === 0 ? 0 : runs.at(-1)!.run + 1
  const head: Omit<ReplayRun, 'lines' | 'acked' | 'ended' | 'repeats'> = {
    ...{ v: 1, kind: 'replay', run: number, startedMs: Date.now(), file, fileHash, mapHash, map, at },
    ...{ shiftMs: times.shiftMs, limitMs: times.limitMs },
  }
  return { head, writer: ledger === undefined ? undefined : createRunWriter(ledger, number) }
}

/** `now` shifts by whole minutes, so that what shared a minute still does; the newest line lies in this minute or the last. */
async function timesOf({ file, map, at }: Pick<ReplaySettings, 'file' | 'map' | 'at'>, nowMs: number) {
  const limitMs = nowMs + futureMs
  if (at === 'original') return { shiftMs: 0, limitMs }
  const newest = (await newestMs(file, map)) ?? nowMs
  return { shiftMs: Math.floor((nowMs - newest) / minuteMs) * minuteMs, limitMs }
}

interface Sending {
  settings: ReplaySettings
  head: Pick<ReplayRun, 'shiftMs' | 'limitMs'>
  report: ReadReport
  signal: AbortSignal
}

/** Resolves when all is acknowledged or the signal is given; rejects where a publish was given up. */
async function sendAll({ settings, head, report, signal }: Sending, publish: (parcel: Parcel) => Promise<void>) {
  const onTheWay = new Set<Promise<void>>()
  const send = async (parcel: Parcel) => {
    const sending = publish(parcel).finally(() => onTheWay.delete(sending))
    onTheWay.add(sending)
    if (onTheWay.size >= maxOnTheWay) await Promise.race(onTheWay)
  }
  const packer = createPacker()
  for await (const messages of readRecording(settings.file, { ...head, map: settings.map }, report)) {
    for (const message of messages) {
      const full = packer.add(message)
      if (full) await send(full)
      if (signal.aborted) return
    }
  }
  for (const parcel of packer.rest()) await send(parcel)
  await Promise.all(onTheWay)
}

function saveRegularly(save: () => Promise<void>, log: Logger) {
  let saving: Promise<void> = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    saving = save()
      .catch((error: unknown) => log.error({ error }, 'cannot write the ledger'))
      .finally(() => {
        busy = false
      })
  }, saveEveryMs)
  return {
    stop() {
      clearInterval(timer)
      return saving
    },
  }
}
