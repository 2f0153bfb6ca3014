import type { ExplainedBoot, ExplainedReadings, ExplainedWindow } from '@millrace/contracts'
import type { Spool, SqlValue } from '@millrace/spool'
import {
  type BootRanges,
  type DeviceView,
  describeMessages,
  describeRows,
  describeSet,
  type OpenWindow,
  type SetFacts,
} from '@millrace/windows'
import { lettersAround } from './explain-letters.ts'
import type { Pipeline } from './pipeline.ts'

export interface WindowAsked {
  site: string
  device: number
  deviceName: string
  series: number
  /** Any moment in it, epoch ms. */
  moment: number
}

const maxRanges = 40

type Place = Pick<ExplainedWindow, 'start' | 'lengthMs'>

interface Found extends Place {
  set: Exclude<ExplainedWindow['set'], null> | null
  message: number
}

/** The window that holds the moment: as kept for amendment, as it is open now, or as it would be. */
export async function explainWindow(pipeline: Pipeline, asked: WindowAsked): Promise<ExplainedWindow> {
  const { rollup, names, spool } = pipeline
  const view = rollup.keeper.device(asked.device)
  const kept = await keptSet(spool.file, asked, (boot) => names.bootName(boot))
  const open = [...rollup.keeper.openWindows()].find((window) => isAsked(window, asked))
  const lengthMs = view?.lengthMs ?? rollup.keeper.settings.lengthMs
  const { start, lengthMs: length } = kept ?? open ?? { start: startOf(asked.moment, lengthMs), lengthMs }
  const place = { start, lengthMs: length }
  const latenessMs = rollup.keeper.settings.latenessMs
  return {
    ...place,
    state: stateOf(kept, open),
    set: kept?.set ?? null,
    open: open
      ? { ...readingsOf(describeRows(open.rows), names.bootName.bind(names)), duplicate: open.duplicates }
      : null,
    message: await messageOf(pipeline, asked.site, kept?.message ?? -1),
    completeness: await keptCompleteness(spool.file, { device: asked.device, start }, names.bootName.bind(names)),
    ...amendable(view, place, rollup.keeper.amendSpanMs),
    deadLetters: await lettersAround(
      spool.file,
      { site: asked.site, device: asked.deviceName },
      { ...place, graceMs: latenessMs + length },
    ),
  }
}

function startOf(moment: number, lengthMs: number): number {
  return Math.floor(moment / lengthMs) * lengthMs
}

function isAsked(window: OpenWindow, { series, moment }: WindowAsked): boolean {
  return window.series === series && window.start <= moment && moment < window.start + window.lengthMs
}

function stateOf(kept: Found | undefined, open: OpenWindow | undefined): ExplainedWindow['state'] {
  if (open) return kept || open.late ? 'reopened' : 'open'
  return kept ? 'closed' : 'none'
}

function amendable(view: DeviceView | undefined, { start, lengthMs }: Place, amendSpanMs: number) {
  const end = start + lengthMs
  return {
    amendable: view === undefined || !(view.floorMs >= end),
    amendableUntilMs: view === undefined || !Number.isFinite(view.watermarkMs) ? null : end + amendSpanMs,
  }
}

async function keptSet(
  spool: Spool,
  { device, series, moment }: WindowAsked,
  bootName: (boot: number) => string,
): Promise<Found | undefined> {
  const sql = `SELECT start, length, rev, count, amended, duplicate, unstamped, message, bytes FROM sets
    WHERE device = ?1 AND start > ?3 - 3600000 AND start <= ?3 AND start + length > ?3 AND series = ?2`
  const [row] = await spool.read(sql, [device, series, moment])
  if (!row) return undefined
  const [start, lengthMs, rev, count, amended, duplicate, unstamped, message] = row.map(Number) as [
    ...[number, number, number, number, number, number, number, number],
  ]
  const readings = readingsOf(describeSet(row[8] as Uint8Array), bootName)
  return { start, lengthMs, message, set: { ...readings, count, rev, amended, duplicate, unstamped } }
}

async function keptCompleteness(
  spool: Spool,
  { device, start }: { device: number; start: number },
  bootName: (boot: number) => string,
): Promise<ExplainedWindow['completeness']> {
  const sql = 'SELECT rev, bytes FROM completeness_sets WHERE device = ? AND start = ?'
  const [row] = await spool.read(sql, [device, start])
  if (!row) return null
  const boots = describeMessages(row[1] as Uint8Array).map((share) => {
    return { ...bootOf(share, bootName), missing: missingIn(share) }
  })
  return { rev: Number(row[0]), boots }
}

/** Null where the device numbers none of its messages. */
function missingIn({ ranges, count, unnumbered }: BootRanges): number | null {
  const last = ranges.at(-1)?.[1]
  return last === undefined ? null : Math.max(0, last - ranges[0]![0] + 1 - (count - unnumbered))
}

async function messageOf({ spool, sender }: Pipeline, site: string, seq: number): Promise<ExplainedWindow['message']> {
  if (seq < 0) return null
  const [row]: SqlValue[][] = await spool.file.read('SELECT at_ms FROM outbox WHERE site = ? AND seq = ?', [site, seq])
  const sent = sender.onTheWay().some((message) => message.site === site && message.seq === seq)
  const gone = row === undefined
  const gaveUp = gone && spool.givenUp.has({ site, seq })
  return { seq, waiting: !gone, sent: gone ? !gaveUp : sent, madeMs: gone ? null : Number(row[0]) }
}

function readingsOf({ boots, ...facts }: SetFacts, bootName: (boot: number) => string): ExplainedReadings {
  return { ...facts, boots: boots.map((share) => bootOf(share, bootName)) }
}

function bootOf({ boot, ranges, ...share }: BootRanges, bootName: (boot: number) => string): ExplainedBoot {
  const shown = ranges.slice(0, maxRanges)
  return { ...share, boot: boot === 0 ? null : bootName(boot), ranges: shown, moreRanges: ranges.length - shown.length }
}
