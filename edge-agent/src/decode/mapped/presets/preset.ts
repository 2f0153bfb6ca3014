import type { MappingInput } from '../settings.ts'

export interface PresetOptions {
  /** First levels of the topics; each preset has its firmware's own where it is not set. */
  root: string | undefined
  /** Of clocks that tell no zone. */
  zone: string | undefined
}

/** Mappings for a family of devices. */
export interface Preset {
  name: string
  mappings(options: PresetOptions): MappingInput[]
}

type MetricInput = NonNullable<MappingInput['metrics']>[number]

/** A level of some unit. */
export function gauge(at: string, name: string, unit?: string): MetricInput {
  return unit === undefined ? { at, name } : { at, name, unit }
}

/** Something that is or is not, or one of a few states by number. */
export function state(at: string, name: string, words?: Record<string, number | null>): MetricInput {
  return { at, name, kind: 'state', ...(words === undefined ? {} : { words }) }
}

export function ignored(topic: string): MappingInput {
  return { topic, ignore: true }
}

/** Topics before which a root may stand. */
export function under(root: string | undefined, topic: string): string {
  return root === undefined ? topic : `${root}/${topic}`
}
