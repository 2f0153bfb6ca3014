import { endTimeMs, maxAbsoluteValue, maxMessageBytes, maxReadingsPerMessage, minTimeMs } from '@millrace/contracts'
import { definePlugin, type Message } from '@millrace/pipeline'
import { z } from 'zod'
import type { DeadLetter } from '../dead-letters.ts'
import type { FormatContext, FormatDecoder } from '../decoder.ts'
import { NameOwners } from '../name-owners.ts'
import { parseBody } from '../parse-body.ts'
import { type Fate, quantityOf, Recorder, type Refusal, type Target } from '../recorder.ts'
import { type Captures, patternProblem, TopicPattern } from '../topic-pattern.ts'
import { validName } from '../valid-name.ts'
import { refusedPack, SenmlBases, type SenmlValue } from './resolve.ts'
import { splitName } from './split-name.ts'
import { convert, symbolOf } from './units.ts'

const pattern = z.string().superRefine((text, context) => {
  const message = patternProblem(text)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

const settings = z.object({
  /** `{device}` and `{site}` in a topic go before those in the names of a pack. */
  topics: z.array(pattern).min(1).max(100).default(['senml/#']),
  /** Of the devices; the agent's own unless set here or in the topic. */
  site: z.string().min(1).optional(),
})
type Settings = z.output<typeof settings>

/** Sensor Measurement Lists (RFC 8428) in JSON. */
export const senmlDecoder = definePlugin({
  type: 'senml',
  settings,
  create: (options: Settings, context: FormatContext): FormatDecoder => new SenmlDecoder(options, context),
})

/** Times below this in size are seconds from now (RFC 8428, 4.5.3); nothing waits longer than that to be sent. */
const relativeBelowS = 2 ** 28

type Time = { ts: number } | { afterArrivalMs: number }

function timeOf(seconds: number): Time | undefined {
  if (Math.abs(seconds) < relativeBelowS) return { afterArrivalMs: Math.round(seconds * 1000) }
  const ts = Math.round(seconds * 1000)
  return ts >= minTimeMs && ts < endTimeMs ? { ts } : undefined
}

interface Where {
  target: Target
  what: string
}

interface Measure {
  metric: string
  /** What `metric` was made from. */
  raw: string
  value: number
  symbol: string
  kind: 'counter' | undefined
}

/** Those of the RFCs have at most seven characters; a unit is kept with its series. */
const maxUnitLength = 16

/** The record's value and its sum over time, as a series each. */
function measuresOf({ unit, value, sum }: SenmlValue, { metric, raw }: Pick<Measure, 'metric' | 'raw'>): Measure[] {
  const symbol = symbolOf(unit)
  const sumSymbol = symbol === '' ? '' : `${symbol}·s`
  return [
    ...(value === undefined ? [] : [{ metric, raw, value, symbol, kind: undefined }]),
    ...(sum === undefined
      ? []
      : [{ metric: `${metric}.sum`, raw: `${raw}+sum`, value: sum, symbol: sumSymbol, kind: 'counter' as const }]),
  ]
}

class SenmlDecoder implements FormatDecoder {
  readonly filters: readonly string[]
  readonly #patterns: readonly TopicPattern[]
  readonly #site: string
  readonly #context: FormatContext
  readonly #recorder: Recorder
  readonly #owners = new NameOwners()
  #topic: Captures = {}
  #retained = false
  ignored = 0

  constructor({ topics, site }: Settings, context: FormatContext) {
    this.#patterns = topics.map((text) => new TopicPattern(text))
    this.filters = this.#patterns.map(({ filter }) => filter)
    this.#site = site ?? context.site
    this.#context = context
    this.#recorder = new Recorder(context)
  }

  allows(user: string, topic: string): boolean {
    const captures = this.#match(topic)
    // Where the topic names no device, its packs do, and any device would be believed.
    return captures?.device !== undefined && (captures.device === user || validName(captures.device) === user)
  }

  take(message: Message, arrivedMonotonicMs: number): boolean {
    const captures = this.#match(message.topic)
    if (!captures) return false
    this.#topic = captures
    this.#retained = message.retain === true
    this.#recorder.begin(message, arrivedMonotonicMs)
    const fate = this.#read(message.body)
    if (fate) this.#settle(fate, { target: this.#sender(), what: 'the message' })
    this.#recorder.end()
    return true
  }

  takeDeadLetters(): DeadLetter[] {
    return this.#recorder.takeDeadLetters()
  }

  #match(topic: string): Captures | undefined {
    for (const one of this.#patterns) {
      const captures = one.match(topic)
      if (!captures) continue
      this.#context.trace?.matched('senml', one.text)
      return captures
    }
    return undefined
  }

  #read(body: Uint8Array): Fate | undefined {
    if (body.length === 0) return { left: 'empty' }
    const parsed = body.length > maxMessageBytes ? ({ reason: 'too-large' } as const) : parseBody(body)
    if ('reason' in parsed) return { ...parsed, why: 'the payload cannot be decoded' }
    if (!Array.isArray(parsed.json)) return { reason: 'bad-shape', why: 'a SenML pack is an array' }
    const records: readonly unknown[] = parsed.json
    const count = Math.max(1, records.length)
    const refused = refusedPack(records)
    if (refused !== undefined) return { reason: 'bad-shape', why: refused, count }
    if (count > maxReadingsPerMessage) return { reason: 'too-many-readings', why: 'more records than allowed', count }
    return this.#pack(records) ? undefined : { left: 'no record has a value' }
  }

  /** False where the records only set base values. */
  #pack(records: readonly unknown[]): boolean {
    const bases = new SenmlBases()
    let hasValues = false
    for (const [at, record] of records.entries()) {
      const found = bases.resolve(record)
      if (found === undefined) continue
      hasValues = true
      const where = { target: this.#sender(), what: `record ${at}` }
      if ('reason' in found) this.#setAside(found, where)
      else this.#record(found, where)
    }
    return hasValues
  }

  #settle(fate: Fate, where: Where): void {
    if (!('left' in fate) && !this.#retained) this.#recorder.setAside({ ...where, ...fate })
    else {
      this.ignored++
      this.#context.trace?.left(where.what, 'left' in fate ? fate.left : fate.why)
    }
  }

  /** What a broker kept says nothing new, so that it is not refused at every connect. */
  #setAside(refusal: Refusal, where: Where): void {
    if (this.#retained) this.#context.trace?.left(where.what, refusal.why)
    else this.#recorder.setAside({ ...where, ...refusal })
  }

  /** The device that the topic names, for what names none itself. */
  #sender(): Target {
    return this.#topic.device === undefined ? { id: 0 } : this.#target(this.#topic.device)
  }

  #target(rawDevice: string): Target {
    const rawSite = this.#topic.site ?? this.#site
    const site = validName(rawSite)
    const device = validName(rawDevice)
    if (site === undefined || device === undefined) return { id: 0 }
    if (!this.#owners.claim(`${site}/${device}`, `${rawSite}/${rawDevice}`)) return { id: 0 }
    return { id: this.#context.names.device(site, device), site, device }
  }

  #record(found: SenmlValue, { what }: Where): void {
    const time = timeOf(found.timeS)
    if (this.#isOldNews(time)) {
      this.#context.trace?.left(what, 'kept by the broker and without a time of its own')
      return
    }
    const { device, metric } = this.#names(found)
    const where = { target: this.#target(device), what }
    const named = where.target.device === undefined ? undefined : validName(metric)
    if (named === undefined)
      this.#setAside({ reason: 'bad-name', why: 'its name makes none, or that of another device' }, where)
    else if (!time) this.#setAside({ reason: 'bad-time', why: `${found.timeS} s is no time from 2000 to 2100` }, where)
    else {
      for (const measure of measuresOf(found, { metric: named, raw: metric })) {
        const refusal = this.#reading(where.target, measure)
        if (refusal) this.#setAside(refusal, where)
      }
      this.#recorder.seal(where.target, time)
    }
  }

  #isOldNews(time: Time | undefined): boolean {
    return this.#retained && time !== undefined && 'afterArrivalMs' in time
  }

  #names({ base, own, unit }: SenmlValue): { device: string; metric: string } {
    const parts = splitName({ base, own, unit })
    const { device } = this.#topic
    return device === undefined ? parts : { device, metric: own || parts.metric }
  }

  /** Records one, or says why it is set aside. */
  #reading(target: Target, { metric, raw, value, symbol, kind }: Measure): Refusal | undefined {
    const name = validName(metric)
    if (name === undefined) return { reason: 'bad-name', why: `${metric} is too long for a name` }
    if (symbol.length > maxUnitLength) return { reason: 'bad-unit', why: `longer than ${maxUnitLength} characters` }
    const series = this.#recorder.series(target, name)
    if (series === 0) return { reason: 'too-many-series', why: 'no room for another series' }
    if (!this.#owners.claim(`${target.id} ${name}`, raw)) {
      return { reason: 'bad-name', why: `another metric has the name ${name}` }
    }
    const known = this.#recorder.unitOf(series)
    const unit = known === '' ? symbol : known
    const converted = symbol === '' ? value : convert(value, symbol, unit)
    if (converted === undefined) return { reason: 'bad-unit', why: `${symbol}, where ${name} is in ${unit}` }
    if (!(Math.abs(converted) <= maxAbsoluteValue)) return { reason: 'bad-value', why: 'too large' }
    this.#recorder.reading(series, converted, quantityOf(name, { unit, kind }))
    return undefined
  }
}
