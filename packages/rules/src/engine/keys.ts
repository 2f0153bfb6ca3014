import type { CompiledRule } from '../types.ts'
import type { Names } from './alert-book.ts'

/**
 * What the engine remembers has a key: `s` series, `d` a rule's own windows of a series, `g` of a site's series, `c`
 * messages of a device, `r` readings of a series, `p` silence of a device, `a` of an agent; and what belongs to these:
 * `v` values, `l` readings, `x` judgements of one rule. `m` is the name of an agent.
 */
export function namesOf(key: string): Names {
  const [kind, ...parts] = key.split('/') as [string, ...string[]]
  const names = kind === 'd' || kind === 'g' ? parts.slice(1) : parts
  const none = { device: null, metric: null, agent: null }
  const site = names[0]!
  if (kind === 'g') return { ...none, site, metric: names[1]! }
  if (kind === 'a') return { ...none, site, agent: names[1]! }
  return { ...none, site, device: names[1]!, metric: names[2] ?? null }
}

/** Kinds of keys that have windows or times of their own. */
const hostKinds = new Set(['s', 'd', 'g', 'c', 'r', 'p', 'a'])

export function isHostKey(key: string): boolean {
  return hostKinds.has(key[0]!)
}

/** Kind of the key at which a rule judges. */
export function hostKindOf({ definition }: CompiledRule): string {
  switch (definition.kind) {
    case 'threshold':
      return definition.on === 'reading' ? 'r' : 's'
    case 'group':
      return 'g'
    case 'incomplete':
      return 'c'
    case 'silence':
      return definition.of === 'agent' ? 'a' : 'p'
    default:
      return 'd'
  }
}

/** Rule and host of a timeline's key. */
export function splitTimelineKey(key: string): { rule: string; host: string } {
  const at = key.indexOf('/')
  return { rule: key.slice(0, at), host: key.slice(at + 1) }
}

/** The rule that a key of a rule's own windows belongs to. */
export function ownerOf(key: string): string | undefined {
  return key[0] === 'd' || key[0] === 'g' ? key.split('/')[1] : undefined
}
