import { resolve } from 'node:path'
import type { Alert } from '@millrace/contracts'
import type { CompiledRule, Evidence } from '@millrace/rules'
import { subjectOf } from './episodes.ts'
import { createPastEngine, judge } from './judge.ts'
import { loadRecording } from './load-recording.ts'
import type { ShowProgress } from './past.ts'
import { timeText } from './text.ts'

type SpanOfTime = Evidence['catches'][number]

/** Whether a rule does on its recording what it says that it does. */
export interface EvidenceVerdict {
  rule: string
  recording: string
  ok: boolean
  /** One per span that it must catch or miss. */
  spans: { kind: 'catches' | 'misses'; text: string; ok: boolean; found: string }[]
}

function overlaps({ site, device, metric, from, to }: SpanOfTime, alert: Alert): boolean {
  const same = (wanted: string | undefined, is: string | null) => wanted === undefined || wanted === is
  const named = same(site, alert.site) && same(device, alert.device) && same(metric, alert.metric)
  return named && alert.start < to && from < (alert.end ?? Number.POSITIVE_INFINITY)
}

function spanText({ site, device, metric, from, to, note }: SpanOfTime): string {
  const subject = [site, device, metric].map((name) => name ?? '*').join('/')
  return `${subject} ${timeText(from)} to ${timeText(to)}${note === undefined ? '' : `: ${note}`}`
}

function judgeSpan(kind: 'catches' | 'misses', span: SpanOfTime, alerts: readonly Alert[]) {
  const hits = alerts.filter((alert) => overlaps(span, alert))
  const found =
    hits.length === 0 ? 'nothing' : hits.map((alert) => `${subjectOf(alert)} from ${timeText(alert.start)}`).join(', ')
  return { kind, text: spanText(span), ok: kind === 'catches' ? hits.length > 0 : hits.length === 0, found }
}

export interface EvidenceOptions {
  /** Folder of the rules, where the recording's path begins. */
  folder: string
  windowMs: number
  progress: ShowProgress
}

/** Replays the recording of every rule that has one. */
export async function checkEvidence(
  rules: readonly CompiledRule[],
  { folder, windowMs, progress }: EvidenceOptions,
): Promise<EvidenceVerdict[]> {
  const verdicts: EvidenceVerdict[] = []
  for (const rule of rules) {
    const { evidence } = rule.definition
    if (!evidence) continue
    const { recording, map, catches, misses } = evidence
    const engine = createPastEngine([rule])
    const source = { file: resolve(folder, recording), map: map === undefined ? undefined : resolve(folder, map) }
    const named = (text: string) => progress(`${rule.id}: ${text}`)
    const wantsReadings = engine.wantsReadings.bind(engine)
    const past = await loadRecording(source, { lengthMs: windowMs, wantsReadings, progress: named })
    const { alerts } = await judge(past, engine, named)
    const spans = [
      ...catches.map((span) => judgeSpan('catches', span, alerts)),
      ...misses.map((span) => judgeSpan('misses', span, alerts)),
    ]
    verdicts.push({ rule: rule.id, recording, ok: spans.every(({ ok }) => ok), spans })
  }
  return verdicts
}
