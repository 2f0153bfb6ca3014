import { NameOwners } from '../name-owners.ts'
import { render, TopicPattern } from '../topic-pattern.ts'
import { validName } from '../valid-name.ts'
import { timeReader } from './event-time.ts'
import { MappingRules } from './member-rules.ts'
import { type Mapping, type Match, type Named, type Room, Route } from './route.ts'
import type { MappingSettings } from './settings.ts'

/** Topics and paths in payloads that are remembered; all are forgotten when there are more. */
const maxRemembered = 50_000
/** A longer topic is not remembered. */
const maxTopicLength = 256

export interface RouterOptions {
  mappings: readonly MappingSettings[]
  /** Of devices whose mapping and topic name none. */
  site: string
  /** Names of devices as they shall be, by what their firmware calls them. */
  aliases: Readonly<Record<string, string>>
}

/** Finds the first mapping of a topic, and the device that it names. */
export class Router {
  readonly filters: readonly string[]
  readonly #options: RouterOptions
  readonly #mappings: readonly (Mapping & { pattern: TopicPattern })[]
  readonly #routes = new Map<string, Route>()
  #room: Room = { left: maxRemembered }
  readonly #owners = new NameOwners()

  constructor(options: RouterOptions) {
    this.#options = options
    this.#mappings = options.mappings.map((settings) => ({
      ...{ settings, pattern: new TopicPattern(settings.topic), rules: new MappingRules(settings) },
      time: timeReader(settings.time),
    }))
    const wanted = this.#mappings.filter(({ settings }) => !settings.ignore)
    this.filters = [...new Set(wanted.map(({ pattern }) => pattern.filter))]
  }

  find(topic: string): Route | undefined {
    if (this.#room.left <= 0) this.#forget()
    const known = this.#routes.get(topic)
    if (known) return known
    const match = this.#match(topic)
    if (!match) return undefined
    const route = new Route(match, this.#named(match), this.#room)
    if (topic.length <= maxTopicLength) {
      this.#room.left--
      this.#routes.set(topic, route)
    }
    return route
  }

  allows(user: string, topic: string): boolean {
    const match = this.#match(topic)
    if (!match) return false
    if (match.mapping.settings.ignore) return true
    const raw = render(match.mapping.settings.device, match.captures)
    return user !== '' && (raw === user || this.#nameOf(raw) === user)
  }

  #forget(): void {
    this.#routes.clear()
    this.#room = { left: maxRemembered }
  }

  #match(topic: string): Match | undefined {
    for (const mapping of this.#mappings) {
      const captures = mapping.pattern.match(topic)
      if (captures) return { mapping, captures }
    }
    return undefined
  }

  #nameOf(raw: string): string | undefined {
    return Object.hasOwn(this.#options.aliases, raw) ? this.#options.aliases[raw] : validName(raw)
  }

  #named({ mapping: { settings }, captures }: Match): Named {
    if (settings.ignore) return { problem: 'ignored' }
    const rawSite = render(settings.site ?? captures.site ?? this.#options.site, captures)
    const rawDevice = render(settings.device, captures)
    const site = validName(rawSite)
    const device = this.#nameOf(rawDevice)
    if (site === undefined) return { problem: `no name of a site can be made of "${rawSite}"` }
    if (device === undefined) return { problem: `no name of a device can be made of "${rawDevice}"` }
    if (!this.#owners.claim(`${site}/${device}`, `${rawSite}/${rawDevice}`)) {
      return { problem: `"${rawDevice}" would have the name of another device, ${device}` }
    }
    return { site, device }
  }
}
