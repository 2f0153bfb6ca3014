import { isName } from './name.ts'

/** What agent and cloud say to each other, the last level of a cloud topic. */
export const messageKinds = [
  'summaries',
  'readings',
  'alerts',
  'provisional',
  'live',
  'status',
  'receipt',
  'config',
] as const
export type MessageKind = (typeof messageKinds)[number]

/** Kinds that stay in the agent's spool until a receipt covers them. */
export const spooledKinds: readonly MessageKind[] = ['summaries', 'readings', 'alerts']

/** Filters a broker subscribes to for all devices, both topic shapes. */
export const telemetryFilters = ['telemetry/+/+', 'telemetry/+/+/+'] as const

export interface TelemetryTopic {
  site: string
  device: string
  /** Only in the shape `telemetry/{site}/{device}/{metric}`. */
  metric?: string
}

/** Parts of `telemetry/{site}/{device}[/{metric}]`, or undefined where the topic is none or a name is refused. */
export function parseTelemetryTopic(topic: string): TelemetryTopic | undefined {
  const [root, site, device, metric, ...rest] = topic.split('/')
  if (root !== 'telemetry' || rest.length > 0 || site === undefined || device === undefined) return undefined
  if (!isName(site) || !isName(device)) return undefined
  if (metric === undefined) return { site, device }
  return isName(metric) ? { site, device, metric } : undefined
}

export function telemetryTopic({ site, device, metric }: TelemetryTopic): string {
  return metric === undefined ? `telemetry/${site}/${device}` : `telemetry/${site}/${device}/${metric}`
}

export interface CloudTopic {
  site: string
  agent: string
  kind: MessageKind
}

/** `millrace/v1/{site}/{agent}/{kind}`; `+` is allowed for any part when subscribing. */
export function cloudTopic({ site, agent, kind }: { site: string; agent: string; kind: MessageKind | '+' }): string {
  return `millrace/v1/${site}/${agent}/${kind}`
}

export function parseCloudTopic(topic: string): CloudTopic | undefined {
  const [root, version, site, agent, kind, ...rest] = topic.split('/')
  if (root !== 'millrace' || version !== 'v1' || rest.length > 0) return undefined
  if (site === undefined || agent === undefined || !isName(site) || !isName(agent)) return undefined
  const known = messageKinds.find((candidate) => candidate === kind)
  return known && { site, agent, kind: known }
}
