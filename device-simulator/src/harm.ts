import { maxMetricsPerObject, type SetAsideReason } from '@millrace/contracts'
import { readingsText } from './envelope.ts'
import type { Readings } from './readings.ts'

/** What is set aside of a message and why: by metric, or `*` for all of it, which then counts as one. */
export type SetAside = Record<string, SetAsideReason>

export interface Harmed {
  body: Uint8Array
  /** The readings that are sound all the same. */
  readings: Readings
  setAside: SetAside
}

interface SoundMessage {
  /** As of `envelopeText`. */
  envelope: string
  readings: Readings
}

/** One way to spoil the bytes of a message, with what a receiver must make of it. */
export interface Harm {
  name: string
  apply(message: SoundMessage): Harmed
}

const encoder = new TextEncoder()

/** Nothing of the message can be used. */
function whole(name: string, reason: SetAsideReason, render: (sound: string, message: SoundMessage) => string): Harm {
  return {
    name,
    apply(message) {
      const sound = `{${message.envelope}"readings":${readingsText(message.readings)}}`
      return { body: encoder.encode(render(sound, message)), readings: [], setAside: { '*': reason } }
    },
  }
}

/** The first value is another; the other readings are sound. */
function firstValue(name: string, text: string): Harm {
  return {
    name,
    apply({ envelope, readings }) {
      const [first, ...rest] = readings
      const spoilt = `"${first![0]}":${text}`
      const sound = readingsText(rest).slice(1)
      const body = `{${envelope}"readings":{${spoilt}${rest.length > 0 ? ',' : ''}${sound}}`
      return { body: encoder.encode(body), readings: rest, setAside: { [first![0]]: 'bad-value' } }
    },
  }
}

/** A reading more, under a name that breaks look-ups in careless programs. */
const hostileName: Harm = {
  name: 'hostile-name',
  apply({ envelope, readings }) {
    const body = `{${envelope}"readings":{"__proto__":1,${readingsText(readings).slice(1)}}`
    const setAside: SetAside = {}
    Object.defineProperty(setAside, '__proto__', { value: 'bad-name', enumerable: true })
    return { body: encoder.encode(body), readings, setAside }
  },
}

/** More metrics than a message may hold. */
const flood: Readings = Array.from({ length: maxMetricsPerObject + 1 }, (_none, index) => [`m${index}`, index])

/** Every way in which the `malformed` perturbation spoils a message. */
export const harms: readonly Harm[] = [
  firstValue('null-value', 'null'),
  firstValue('text-value', '"error"'),
  firstValue('nested-value', '{"value":21}'),
  firstValue('huge-value', '1e308'),
  firstValue('infinite-value', '1e999'),
  hostileName,
  whole('truncated', 'bad-json', (sound) => sound.slice(0, Math.ceil(sound.length * 0.6))),
  whole('not-json', 'bad-json', (_sound, { readings }) =>
    readings.map(([metric, value]) => `${metric}=${value}`).join(';'),
  ),
  whole('wrong-shape', 'bad-shape', (_sound, { envelope }) => `{${envelope}"readings":[21.4,22]}`),
  {
    name: 'metrics-flood',
    apply: ({ envelope }) => ({
      body: encoder.encode(`{${envelope}"readings":${readingsText(flood)}}`),
      readings: [],
      setAside: Object.fromEntries(flood.map(([metric]) => [metric, 'too-many-metrics'])),
    }),
  },
  {
    name: 'not-utf8',
    apply: ({ envelope, readings }) => {
      const sound = encoder.encode(`{${envelope}"readings":${readingsText(readings)}}`)
      return { body: sound.with(2, 0xff), readings: [], setAside: { '*': 'bad-utf8' } }
    },
  },
]

const byName = new Map(harms.map((harm) => [harm.name, harm]))

export function findHarm(name: string): Harm {
  const harm = byName.get(name)
  if (!harm) throw new Error(`no harm named ${name}`)
  return harm
}
