import type { Found } from './ask.ts'
import { plural, timeText } from './words.ts'

/** Why nothing is known of a window, in plain words; the likeliest cause first. */
export function whyNothing(found: Found): string[] {
  return [...ofTheSeries(found), ...ofTheWindow(found), ...ofTheWay(found)]
}

function ofTheSeries({ agent, ingest, nearest, series }: Found): string[] {
  const unknownHere = agent === null || agent.series === null
  if (!unknownHere || ingest?.series.known || (agent ?? ingest) === null) return []
  const name = `${series.site}/${series.device}/${series.metric}`
  const like = nearest.length > 0 ? ` Did you mean ${nearest.join(', ')}?` : ''
  return [`Nobody asked has ever heard of ${name}.${like}`]
}

function ofTheWindow(found: Found): string[] {
  const { agent, ingest, moment } = found
  const last = ingest?.series.lastTs ?? 0
  const newest = last > 0 && moment > last ? [`The newest stored reading is of ${timeText(last, moment)}.`] : []
  const letters = [...(agent?.window?.deadLetters ?? []), ...(ingest?.deadLetters ?? [])]
  const aside = letters.reduce((sum, { readings }) => sum + readings, 0)
  const setAside = aside > 0 ? [`${plural(aside, 'reading')} of the device were set aside around then, see above.`] : []
  return [...ofTheAgent(found), ...newest, ...setAside]
}

function ofTheAgent({ agent, ingest, moment }: Found): string[] {
  const now = agent?.nowMs ?? ingest?.at ?? Number.POSITIVE_INFINITY
  if (moment > now) return ['That minute is still to come.']
  if (!agent?.window) return []
  const { watermarkMs, window } = agent
  if (!window.amendable)
    return ['The window is below the floor: its set was given up, and what came for it since was too late.']
  if (watermarkMs !== null && watermarkMs < window.start)
    return [`The device has not come that far: its watermark is ${timeText(watermarkMs, moment)}.`]
  return ['The agent accepted no reading of this series for that window.']
}

function ofTheWay({ agent, ingest, unreached }: Found): string[] {
  const missing = ingest?.sources.some((source) => source.missing.length > 0) ?? false
  return [
    ...(agent?.window?.message?.waiting ? ['Its message is on its way: no receipt yet.'] : []),
    ...(missing
      ? ['Messages of the site are missing upstream; what they hold comes when their agent repeats them.']
      : []),
    ...(unreached.agent ? [`The agent was not reached, so what it still holds is not known: ${unreached.agent}`] : []),
    ...(unreached.ingest ? [`The ingest was not reached: ${unreached.ingest}`] : []),
  ]
}
