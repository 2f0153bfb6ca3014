import type {
  AgentExplanation,
  ApiSummary,
  ExplainedPart,
  ExplainedWindow,
  IngestExplanation,
} from '@millrace/contracts'
import { type Found, isKnown } from './ask.ts'
import { whyNothing } from './why.ts'
import { bootText, lengthText, letterText, list, minuteText, plural, timeText } from './words.ts'

type Section = { name: string; lines: string[] }
type Span = { start: number; lengthMs: number }

/** The window that the answers are about. */
export function spanOf({ agent, ingest, moment }: Found): Span {
  const row = ingest?.rows.find((one) => one.row !== null)?.row
  return (
    agent?.window ??
    ingest?.parts[0] ??
    row ??
    ingest?.provisional ?? { start: Math.floor(moment / 60_000) * 60_000, lengthMs: 60_000 }
  )
}

function counts({ amended, duplicate, unstamped }: { [Name in 'amended' | 'duplicate' | 'unstamped']: number | null }) {
  return list([
    amended !== null && `${amended} amended`,
    duplicate !== null && `${duplicate} doubled`,
    !!unstamped && `${unstamped} without a time of its own`,
  ])
}

function clockText({ state, offsetMs, jitterMs }: AgentExplanation['clock']): string {
  if (offsetMs === null) return `clock ${state}`
  const off = `${Math.abs(Math.round(offsetMs))} ms ${offsetMs < 0 ? 'behind' : 'ahead'}`
  return `clock ${state}, ${off}${jitterMs === null ? '' : `, jitter ${Math.round(jitterMs)} ms`}`
}

function messagesText({ completeness }: ExplainedWindow): string[] {
  return (completeness?.boots ?? []).map((share) => {
    const missing =
      share.missing === null
        ? 'the device numbers none'
        : share.missing === 0
          ? 'none missing'
          : `${share.missing} missing`
    return `${plural(share.count, 'message')} in the window: ${list([bootText(share).replace('readings', 'messages'), missing])}`
  })
}

function device({ agent }: Found, span: Span): Section {
  if (!agent) return { name: 'device', lines: [] }
  const { window, clock, lastArrivalMs } = agent
  const heard =
    lastArrivalMs === null ? 'not heard since the agent started' : `last heard ${timeText(lastArrivalMs, span.start)}`
  const readings = window?.set ?? window?.open
  const times =
    readings && readings.count > 0
      ? [`event times ${timeText(readings.firstTs, span.start)} to ${timeText(readings.lastTs, span.start)}`]
      : []
  const sent = readings ? [`${plural(readings.count, 'reading')}: ${readings.boots.map(bootText).join('; ')}`] : []
  return {
    name: 'device',
    lines: [...sent, ...times, ...(window ? messagesText(window) : []), `${clockText(clock)}; ${heard}`],
  }
}

function messageLine({ message }: ExplainedWindow, span: Span): string[] {
  if (!message) return []
  const { seq, waiting, sent, madeMs } = message
  if (!waiting) return [`message ${seq}: ${sent ? 'receipted' : 'given up unsent by a full spool'}`]
  return [`message ${seq}, made ${timeText(madeMs, span.start)}: ${sent ? 'sent, no receipt yet' : 'waits to be sent'}`]
}

function amendText({ watermarkMs, floorMs }: AgentExplanation, window: ExplainedWindow): string {
  const { start, amendable, amendableUntilMs } = window
  if (!amendable) return `below the floor (${timeText(floorMs, start)}): what still comes for it is too late`
  const until = amendableUntilMs === null ? '' : `, until the watermark passes ${timeText(amendableUntilMs, start)}`
  return `a late reading would still be counted${until} (watermark ${timeText(watermarkMs, start)}, floor ${timeText(floorMs, start)})`
}

function windowLines(agent: AgentExplanation, window: ExplainedWindow): string[] {
  const { set, open } = window
  const closed = set ? [`revision ${set.rev}: ${plural(set.count, 'reading')}, ${counts(set)}`] : []
  const waiting = open
    ? [
        window.state === 'open'
          ? `provisional: the window is open with ${plural(open.count, 'reading')}`
          : `open again: ${plural(open.count, 'late reading')} will join with the next revision (${open.boots.map(bootText).join('; ')})`,
      ]
    : []
  return [
    ...closed,
    ...waiting,
    ...window.deadLetters.map((letter) => letterText(letter, window.start)),
    amendText(agent, window),
    ...messageLine(window, window),
  ]
}

/** A window has a part of every agent that heard the device in it; one of them is asked. */
function othersLines({ agent, ingest }: Found): string[] {
  const others = new Set(ingest?.parts.map((part) => part.agent).filter((name) => name !== agent?.agent))
  return [...others].map((name) => `${name} has a part of it; --agent-url asks another agent`)
}

function agentSection(found: Found): Section {
  const { agent, unreached } = found
  const others = othersLines(found)
  if (unreached.agent) return { name: 'agent', lines: [`not reached: ${unreached.agent}`] }
  if (!agent) return { name: 'agent', lines: ['has not heard of the device', ...others] }
  const who = `${agent.agent}, spool ${agent.spool}, epoch ${agent.epoch}, settings ${agent.settingsHash}`
  return { name: 'agent', lines: [who, ...(agent.window ? windowLines(agent, agent.window) : []), ...others] }
}

function partLines(part: ExplainedPart, near: number): string[] {
  const { agent, spool, rev, count, refused, committedMs, message } = part
  const head = `part of ${agent}, spool ${spool}: rev ${rev}, ${list([plural(count, 'reading'), counts(part), refused && 'REFUSED: in no row'])}`
  if (!message)
    return [head, `committed ${timeText(committedMs, near)}; which message carried it is not known any more`]
  const { seq, epoch, madeMs, settingsHash, receivedMs } = message
  const made = madeMs === null ? 'made at a time not told' : `made ${timeText(madeMs, near)} at the agent`
  const settings = settingsHash === null ? '' : `, settings ${settingsHash}`
  return [
    head,
    `message ${seq} (epoch ${epoch}${settings}): ${made}, received ${timeText(receivedMs, near)}, committed ${timeText(committedMs, near)}`,
  ]
}

function missingLines({ sources }: IngestExplanation): string[] {
  return sources.flatMap(({ agent, spool, missing }) => {
    if (missing.length === 0) return []
    const ranges = missing.map(([from, to]) => (from === to ? `${from}` : `${from}..${to}`)).join(', ')
    return [`missing upstream: messages ${ranges} of ${agent}, spool ${spool}`]
  })
}

function ingestSection({ ingest, unreached }: Found, span: Span): Section {
  if (!ingest) return { name: 'ingest', lines: [`not reached: ${unreached.ingest}`] }
  const lines = [
    ...ingest.parts.flatMap((part) => partLines(part, span.start)),
    ...(ingest.parts.length === 0 && ingest.provisional
      ? [`provisional: ${plural(ingest.provisional.count, 'reading')} so far, in no store`]
      : []),
    ...missingLines(ingest),
    ...ingest.deadLetters.map((letter) => letterText(letter, span.start)),
  ]
  return { name: 'ingest', lines: lines.length > 0 ? lines : ['has nothing of this window'] }
}

function rowText(row: ApiSummary): string {
  const merged = row.parts > 1 ? `, merged from ${row.parts} parts` : ''
  return `rev ${row.rev}, ${plural(row.count, 'reading')}${merged}`
}

function storeLine(
  { store, row, error }: IngestExplanation['rows'][number],
  parts: readonly ExplainedPart[],
  near: number,
) {
  if (error) return `${store}: not reached: ${error}`
  const states = parts.flatMap((part) => part.stores.filter((one) => one.store === store))
  const pending = states.some(({ written }) => !written) ? '; the newest part is not written yet' : ''
  const times = states.flatMap(({ byMs }) => byMs ?? [])
  const by = times.length > 0 && !pending ? `, written by ${timeText(Math.max(...times), near)}` : ''
  return row ? `${store}: ${rowText(row)}${by}${pending}` : `${store}: no row${pending}`
}

function stores({ ingest }: Found, span: Span): Section {
  const lines = (ingest?.rows ?? []).map((row) => storeLine(row, ingest!.parts, span.start))
  return { name: 'stores', lines }
}

/** For people, in the order of the way of a reading. */
export function explanationText(found: Found): string {
  const { site, device: name, metric } = found.series
  const span = spanOf(found)
  const head = `${site}/${name}/${metric}  ${minuteText(span.start)} UTC, ${lengthText(span.lengthMs)}`
  const sections = [device(found, span), agentSection(found), ingestSection(found, span), stores(found, span)]
  const body = sections.flatMap(({ name: title, lines }) => {
    return lines.map((line, at) => `${(at === 0 ? title : '').padEnd(8)} ${line}`)
  })
  const nothing = isKnown(found) ? [] : ['', ...whyNothing(found)]
  return [head, '', ...body, ...nothing].join('\n')
}
