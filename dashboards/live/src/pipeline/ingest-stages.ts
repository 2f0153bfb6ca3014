import type { PipelineStage, StoreState } from '@millrace/contracts'
import { formatCount, formatDelay, formatRate } from '../model/format.ts'
import { countText, type Figure, fillLevel, fillNote, fillOf, type Level, type Stage, worstOf } from './stage.ts'

/** A store takes its rows in groups; fewer than this are on their way and no backlog. */
const manyBehind = 500

export interface IngestView {
  stages: readonly PipelineStage[]
  stores: readonly StoreState[]
  /** From a device's clock to this page, ms. */
  delayMs: number | undefined
}

function rate(stage: PipelineStage, label: string, meaning: string): Figure {
  return { label, value: stage.perSecond === undefined ? '–' : formatRate(stage.perSecond), meaning }
}

function took(stage: PipelineStage, meaning: string): Figure {
  return { label: 'takes', value: stage.latencyMs === undefined ? '–' : formatDelay(stage.latencyMs), meaning }
}

const upLevel = ({ up }: PipelineStage): Level => (up === 0 ? 'bad' : 'good')
const flows = ({ perSecond }: PipelineStage) => (perSecond ?? 0) > 0

function collect(stage: PipelineStage): Stage {
  return {
    ...{ id: stage.stage, name: 'Receive', does: 'listens to the cloud broker' },
    level: upLevel(stage),
    ...(stage.up === 0 ? { note: 'The cloud broker cannot be reached.' } : {}),
    flows: flows(stage),
    figures: [
      rate(
        stage,
        'messages/s',
        'Everything agents send, over the last minute: summaries, live readings, open windows, statuses.',
      ),
      {
        label: 'not understood',
        value: countText(stage.errors),
        meaning: 'Messages that were no message of an agent, or came when nothing could be taken.',
      },
    ],
  }
}

function spool(stage: PipelineStage): Stage {
  const fill = fillOf(stage.bytes, stage.maxBytes)
  return {
    ...{ id: stage.stage, name: 'Spool', does: 'writes to disk, then gives the receipt' },
    level: worstOf([upLevel(stage), fillLevel(fill)]),
    ...(stage.up === 0 ? { note: 'Nothing can be written to the disk: agents keep what they have.' } : fillNote(fill)),
    flows: flows(stage),
    ...(fill ? { fill } : {}),
    figures: [
      rate(
        stage,
        'messages/s',
        'Messages with summaries that reached this disk, over the last minute: they come in bursts.',
      ),
      took(stage, 'From the arrival of a message until it is on the disk.'),
      {
        label: 'dead letters',
        value: countText(stage.errors),
        meaning: 'Messages set aside here with their reason, since the spool was made.',
        ...(stage.errors ? { level: 'waiting' as const } : {}),
      },
    ],
  }
}

function store(stage: PipelineStage, stores: readonly StoreState[]): Stage {
  const type = stage.stage.replace('ingest-store-', '')
  const error = stores.find((one) => one.type === type)?.error
  const behind = stage.behind ?? 0
  const level = worstOf([upLevel(stage), error ? 'bad' : 'good', behind > manyBehind ? 'waiting' : 'good'])
  return {
    ...{ id: stage.stage, name: storeNames[type] ?? type, does: 'stores rows for good', level },
    ...storeNote(level, error),
    flows: flows(stage),
    figures: [
      rate(stage, 'rows/s', 'Rows written over the last minute: minutes, and the hours and days made of them.'),
      took(stage, 'Time one group of rows takes to be written.'),
      {
        label: 'rows behind',
        value: formatCount(behind),
        meaning: 'Rows on the disk of the ingest that this store has not taken yet.',
        ...(behind > manyBehind ? { level: 'waiting' as const } : {}),
      },
    ],
  }
}

function storeNote(level: Level, error: string | null | undefined): { note?: string } {
  if (level === 'good') return {}
  return { note: error ? `It refuses rows: ${error}` : 'It is behind; the rows wait on the disk of the ingest.' }
}

const storeNames: Readonly<Record<string, string>> = { duckdb: 'DuckDB', influxdb: 'InfluxDB' }

function serve(stage: PipelineStage, delayMs: number | undefined): Stage {
  return {
    ...{ id: stage.stage, name: 'Page', does: 'shows what you see', level: 'good', flows: delayMs !== undefined },
    figures: [
      {
        label: 'behind the devices',
        value: delayMs === undefined ? '–' : formatDelay(delayMs),
        meaning: 'From the time a device wrote on a reading until this page had it.',
      },
      { label: 'pages open', value: countText(stage.behind), meaning: 'Pages that listen at the moment.' },
      took(stage, 'Time to answer a question of a page.'),
    ],
  }
}

/** The way of a message through the ingest, one stage per store. */
export function ingestStages({ stages, stores, delayMs }: IngestView): Stage[] {
  return stages.flatMap((stage) => {
    if (stage.stage === 'ingest-collect') return [collect(stage)]
    if (stage.stage === 'ingest-spool') return [spool(stage)]
    if (stage.stage === 'ingest-serve') return [serve(stage, delayMs)]
    return stage.stage.startsWith('ingest-store-') ? [store(stage, stores)] : []
  })
}
