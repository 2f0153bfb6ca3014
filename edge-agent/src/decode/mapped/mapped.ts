import { maxMessageBytes } from '@millrace/contracts'
import { definePlugin, type Message, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import type { DeadLetter } from '../dead-letters.ts'
import type { FormatContext, FormatDecoder } from '../decoder.ts'
import { type Parsed, parseBody } from '../parse-body.ts'
import { type Fate, oldNews, Recorder, type Refusal, type Target } from '../recorder.ts'
import { presetNames, presets } from './presets/index.ts'
import { type Candidate, type Collected, collect } from './reading-collector.ts'
import type { Route } from './route.ts'
import { Router } from './router.ts'
import { type MappingSettings, mappingSchema, namesSchema, rootSchema, siteSchema, zoneSchema } from './settings.ts'
import { textOf } from './text-body.ts'

const settings = z.object({
  /** Mappings that are built in for a family of devices; they come after those written here. */
  preset: z.enum(presetNames).optional(),
  /** First levels of the preset's topics, where the firmware has others than its own default. */
  root: rootSchema.optional(),
  /** Of the devices; the agent's own unless set here or in a mapping. */
  site: siteSchema.optional(),
  /** Of clocks that tell no zone, where the preset's devices have such. */
  zone: zoneSchema.optional(),
  mappings: z.array(mappingSchema).max(200).default([]),
  names: namesSchema.default({}),
})
type Settings = z.output<typeof settings>

/** Messages of devices that have a form of their own, by rules: topics with captures, JSON pointers to metrics. */
export const mappedDecoder = definePlugin({
  type: 'mapped',
  settings,
  create: (options: Settings, context: FormatContext): FormatDecoder => new MappedDecoder(options, context),
})

function mappingsOf({ preset, root, zone, mappings }: Settings): MappingSettings[] {
  if (preset === undefined && mappings.length === 0) {
    const problem = {
      path: 'decode',
      found: 'type mapped alone',
      expected: `a preset (${presetNames.join(', ')}) or mappings`,
    }
    throw new UsageError('a decoder has nothing to do', [problem])
  }
  const builtIn = presets.find(({ name }) => name === preset)?.mappings({ root, zone }) ?? []
  return [...mappings, ...builtIn.map((mapping) => mappingSchema.parse(mapping))]
}

function parse(body: Uint8Array, payload: MappingSettings['payload']): Parsed {
  if (body.length > maxMessageBytes) return { reason: 'too-large' }
  return payload === 'text' ? textOf(body) : parseBody(body)
}

class MappedDecoder implements FormatDecoder {
  readonly #context: FormatContext
  readonly #router: Router
  readonly #recorder: Recorder
  readonly #label: string
  /** What each metric of a device is called by its firmware, by the target's id and metric. */
  readonly #rawNames = new Map<string, string>()
  ignored = 0

  constructor(options: Settings, context: FormatContext) {
    const mappings = mappingsOf(options)
    this.#context = context
    this.#recorder = new Recorder(context)
    this.#label = options.preset === undefined ? 'mapped' : `mapped, preset ${options.preset}`
    this.#router = new Router({
      ...{ mappings, aliases: options.names },
      site: options.site ?? context.site,
    })
  }

  get filters(): readonly string[] {
    return this.#router.filters
  }

  allows(user: string, topic: string): boolean {
    return this.#router.allows(user, topic)
  }

  take(message: Message, arrivedMonotonicMs: number): boolean {
    const route = this.#router.find(message.topic)
    if (!route) return false
    this.#context.trace?.matched(this.#label, route.mapping.settings.topic)
    this.#recorder.begin(message, arrivedMonotonicMs)
    const fate = this.#read(route, message)
    if (fate) this.#settle(route, fate, message.retain === true)
    this.#recorder.end()
    return true
  }

  takeDeadLetters(): DeadLetter[] {
    return this.#recorder.takeDeadLetters()
  }

  #read(route: Route, { body, retain }: Message): Fate | undefined {
    const { settings: mapping, time } = route.mapping
    if (mapping.ignore) return { left: 'the mapping ignores this topic' }
    // An empty retained message deletes the one before it.
    if (body.length === 0) return { left: 'empty' }
    if ('problem' in route.named) return { reason: 'bad-name', why: route.named.problem }
    const parsed = parse(body, mapping.payload)
    if ('reason' in parsed) return { ...parsed, why: 'the payload cannot be decoded' }
    const at = time(parsed.json)
    if (retain && at === 'arrival') return { left: oldNews }
    const collected = collect(parsed.json, route, this.#context.trace)
    if (collected.count === 0) return { left: 'no member of it is a reading' }
    this.#take(route.targetIn(this.#context.names), at, collected)
    return undefined
  }

  /** What a broker kept says nothing new, so that it is not refused at every connect. */
  #settle(route: Route, fate: Fate, retained: boolean): void {
    if ('left' in fate || retained) {
      this.ignored++
      this.#context.trace?.left('the message', 'left' in fate ? fate.left : fate.why)
    } else this.#recorder.setAside({ target: route.targetIn(this.#context.names), ...fate, what: 'the message' })
  }

  #take(target: Target, at: number | 'arrival' | undefined, { candidates, count }: Collected): void {
    const recorder = this.#recorder
    if (count > candidates.length) {
      recorder.setAside({
        target,
        reason: 'too-many-metrics',
        count,
        what: `${count} members`,
        why: 'more than a message may have',
      })
    } else if (at === undefined) {
      recorder.setAside({ target, reason: 'bad-time', count, what: `${count} readings`, why: 'their time is none' })
    } else this.#readings(target, candidates)
    recorder.seal(target, typeof at === 'number' ? { ts: at } : { afterArrivalMs: 0 })
  }

  #readings(target: Target, candidates: readonly Candidate[]): void {
    const met = new Set<string>()
    for (const candidate of candidates) {
      const refusal = this.#reading(target, candidate, met)
      if (refusal) this.#recorder.setAside({ target, ...refusal, what: candidate.pointer || 'the payload' })
    }
  }

  /** Records one, or says why it is set aside. */
  #reading(target: Target, { rule, value }: Candidate, met: Set<string>): Refusal | undefined {
    const { metric, rawName, quantity, unitProblem } = rule
    if (Number.isNaN(value)) return { reason: 'bad-value', why: 'no number that a reading can have' }
    if (metric === undefined) return { reason: 'bad-name', why: `no name of a metric can be made of "${rawName}"` }
    if (unitProblem !== undefined) return { reason: 'bad-unit', why: `allowed: ${unitProblem}` }
    const key = `${target.id} ${metric}`
    if (met.has(metric) || (this.#rawNames.get(key) ?? rawName) !== rawName) {
      return { reason: 'bad-name', why: `another member has the name ${metric}` }
    }
    const series = this.#recorder.series(target, metric)
    if (series === 0) return { reason: 'too-many-series', why: 'no room for another series' }
    this.#rawNames.set(key, rawName)
    met.add(metric)
    this.#recorder.reading(series, value, quantity)
    return undefined
  }
}
