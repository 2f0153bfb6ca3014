import type { Alert } from '@millrace/contracts'
import type { CompiledRule } from '../types.ts'
import { fromJsonBytes } from './bytes.ts'
import { decodeLines, decodePresences, decodeSamples } from './codec.ts'
import type { Core } from './core.ts'
import type { Host } from './host.ts'
import type { Judged } from './judged.ts'
import type { Judges } from './judges.ts'
import { hostKindOf, isHostKey, namesOf, splitTimelineKey } from './keys.ts'
import { Observer } from './presence.ts'
import type { SavedKey } from './registry.ts'
import type { Silences } from './silences.ts'
import { readBase, type SavedAgent, type SavedMeta } from './state.ts'

type Saved = ReadonlyMap<string, Uint8Array>

export interface Parts {
  core: Core
  judges: Judges
  silences: Silences
}

function* withPrefix(saved: Saved, prefix: string): Generator<[string, Uint8Array]> {
  for (const [key, bytes] of saved) if (key.startsWith(`${prefix}/`)) yield [key.slice(prefix.length + 1), bytes]
}

/** Times, names and which windows were judged: what does not depend on the rules. */
export function restoreSubjects(saved: Saved, { core, silences }: Parts): SavedMeta | undefined {
  const bytes = saved.get('meta')
  if (bytes === undefined) return undefined
  const rules = saved.get('rules')
  const meta = {
    ...(fromJsonBytes(bytes) as SavedMeta),
    rules: rules ? (fromJsonBytes(rules) as SavedMeta['rules']) : {},
  }
  core.epoch = meta.epoch
  core.now = meta.now
  core.sweptHour = meta.sweptHour
  silences.list.evaluator.runs = meta.evaluator
  for (const [block, keys] of withPrefix(saved, 'n'))
    core.registry.load(Number(block), fromJsonBytes(keys) as SavedKey[])
  for (const [, lines] of withPrefix(saved, 'c')) {
    for (const { id, runs, revs } of decodeLines(lines)) {
      const key = core.registry.key(id)
      const { line } = core.host(key, namesOf(key))
      line.set(runs)
      line.revs = revs
    }
  }
  return meta
}

/** Makes everything that rules in force ask for again, for all subjects known. */
export function restoreEntries({ core, judges, silences }: Parts): void {
  for (let id = 0; id < core.registry.size; id++) {
    const key = core.registry.key(id)
    const { site, device, metric, agent } = namesOf(key)
    if ((key[0] === 's' || key[0] === 'r') && device && metric) judges.entry({ site, device, metric })
    if (key[0] === 'a' && agent) silences.list.agent(site, agent)
  }
}

/** Values and judgements. Those that nothing asks for any more are forgotten. */
export function restoreSamples(saved: Saved, { core }: Parts, rules: ReadonlyMap<string, CompiledRule>): void {
  for (const [place, bytes] of withPrefix(saved, 's')) {
    const bucket = Number(place.split('/')[1])
    decodeSamples(bytes, bucket, (id, sample) => {
      const holder = core.holders.get(id) ?? exceptionsOf(core, rules, id)
      if (holder) holder.loadSample(sample)
      else core.sampleChanged(id, sample.start)
    })
  }
}

function exceptionsOf(core: Core, rules: ReadonlyMap<string, CompiledRule>, id: number) {
  const key = core.registry.key(id)
  if (!key.startsWith('x/')) return undefined
  const names = splitTimelineKey(key.slice(2))
  const [rule, host] = [rules.get(names.rule), core.hosts.get(names.host)]
  return rule && host ? core.timeline(host, rule).exceptions : undefined
}

export function restorePresences(saved: Saved, { core, silences }: Parts): void {
  for (const [path, bytes] of withPrefix(saved, 'o')) {
    const [site, name] = path.split('/') as [string, string]
    const { observer, away, spans, spoke } = fromJsonBytes(bytes) as SavedAgent
    const agent = silences.list.agent(site, name)
    agent.observer = Object.assign(new Observer(agent.observer.patienceMs), { runs: observer, away })
    agent.presence.spans = spans
    agent.spoke = spoke ?? Number.NEGATIVE_INFINITY
  }
  for (const [, bytes] of withPrefix(saved, 'p')) {
    for (const { id, agent, spans } of decodePresences(bytes)) {
      const key = core.registry.key(id)
      const { site, device } = namesOf(key)
      const watched = silences.list.device({ site, device: device!, agent: core.registry.key(agent).slice(2) })
      if (watched) {
        watched.presence.spans = spans.map(({ by, ...span }) => ({ ...span, by: core.registry.key(by).slice(2) }))
      } else silences.list.changedDevices.add({ host: core.host(key, namesOf(key)) })
    }
  }
}

/** What was told. `same` are the rules that have not changed; alerts of others go on or are withdrawn. */
export function restoreTimelines(saved: Saved, parts: Parts, same: ReadonlyMap<string, CompiledRule>): Carried[] {
  const timelines = new Map<string, Judged>()
  for (const [key, bytes] of withPrefix(saved, 't')) {
    const rule = same.get(splitTimelineKey(key).rule)
    const timeline = rule && timelineAt(parts, key, rule)
    if (timeline) {
      timeline.base = readBase(bytes)
      timelines.set(key, timeline)
    } else parts.core.changedTimelines.add(key)
  }
  return restoreAlerts(saved, parts, timelines)
}

function restoreAlerts(saved: Saved, { core }: Parts, timelines: ReadonlyMap<string, Judged>): Carried[] {
  const carried: Carried[] = []
  for (const [place, bytes] of withPrefix(saved, 'e')) {
    const key = place.slice(0, place.lastIndexOf('/'))
    const alert = fromJsonBytes(bytes) as Alert
    const timeline = timelines.get(key)
    if (timeline) timeline.book.known.set(alert.start, alert)
    else core.goneAlerts.add(place)
    if (!timeline && alert.state === 'active') carried.push({ key, alert })
  }
  return carried
}

/** An active alert whose rule is gone or judges otherwise from now on. */
export interface Carried {
  key: string
  alert: Alert
}

/** Goes on with an alert under a rule of the same id, if that still judges this subject; else withdraws it. */
export function carryOn(parts: Parts, { key, alert }: Carried, rule: CompiledRule | undefined): void {
  const { core } = parts
  const names = namesOf(splitTimelineKey(key).host)
  const selected = rule?.selects(subjectOf(names))
  const timeline = rule && selected ? timelineAt(parts, key, rule) : undefined
  if (!timeline) {
    core.tell([{ ...alert, rev: alert.rev + 1, change: 'withdrawn', state: 'withdrawn', learned: core.now }])
    return
  }
  timeline.book.goOn(alert)
  const { start, raised } = alert
  const worst = alert.value ?? Number.NaN
  timeline.base = { pendingMs: raised - start, start, raised, firing: true, worst, lastEnd: raised }
  core.changedTimelines.add(key)
  core.touch(timeline)
}

function subjectOf({ site, device, metric, agent }: ReturnType<typeof namesOf>) {
  return {
    site,
    ...(device === null ? {} : { device }),
    ...(metric === null ? {} : { metric }),
    ...(agent === null ? {} : { agent }),
  }
}

function timelineAt(parts: Parts, key: string, rule: CompiledRule): Judged | undefined {
  const { core } = parts
  const known = core.timelines.get(key)
  if (known) return known
  const hostKey = splitTimelineKey(key).host
  const host = core.hosts.get(hostKey)
  if (!host || !isHostKey(hostKey) || hostKey[0] !== hostKindOf(rule)) return undefined
  return makeTimeline(parts, host, rule)
}

function makeTimeline({ core, judges, silences }: Parts, host: Host, rule: CompiledRule): Judged | undefined {
  const { site, device, metric, agent } = host.names
  switch (host.key[0]) {
    case 'r':
      return judges.entry({ site, device: device!, metric: metric! }).readings?.timeline(rule)
    case 'p': {
      const watched = silences.list.devices.get(`${site}/${device}`)
      return watched && silences.silence(watched, rule)
    }
    case 'a':
      return silences.silence(silences.list.agent(site, agent!), rule)
    default:
      return core.timeline(host, rule)
  }
}
