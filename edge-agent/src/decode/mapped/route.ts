import type { DecoderNames } from '../names.ts'
import type { Target } from '../recorder.ts'
import type { Captures } from '../topic-pattern.ts'
import type { EventTime } from './event-time.ts'
import type { MappingRules, MemberRules } from './member-rules.ts'
import { type Member, pointerOf } from './members.ts'
import type { MappingSettings } from './settings.ts'

/** A mapping ready for use. */
export interface Mapping {
  settings: MappingSettings
  rules: MappingRules
  time(document: unknown): EventTime
}

/** How much all routes together may remember; hostile payloads never repeat a path. */
export interface Room {
  left: number
}

/** A longer path is not remembered. */
const maxPathLength = 256

export interface Match {
  mapping: Mapping
  captures: Captures
}

/** The device that a topic names, not yet in the dictionary; or why it names none. */
export type Named = { site: string; device: string } | { problem: string }

/** What is known of a topic that a mapping matches. */
export class Route {
  readonly mapping: Mapping
  readonly named: Named
  readonly #captures: Captures
  readonly #rules = new Map<string, MemberRules>()
  readonly #room: Room
  #target: Target | undefined

  constructor({ mapping, captures }: Match, named: Named, room: Room) {
    this.mapping = mapping
    this.named = named
    this.#captures = captures
    this.#room = room
  }

  /** The device in the dictionary, made there when it first has something to tell; device 0 where it has no room. */
  targetIn(names: DecoderNames): Target {
    if (this.#target) return this.#target
    if ('problem' in this.named) return { id: 0 }
    const { site, device } = this.named
    const target = { id: names.device(site, device), site, device }
    if (target.id !== 0) this.#target = target
    return target
  }

  rulesOf(member: Member): MemberRules {
    const pointer = pointerOf(member.path)
    const known = this.#rules.get(pointer)
    if (known) return known
    const rules = this.mapping.rules.of(member, this.#captures)
    if (this.#room.left > 0 && pointer.length <= maxPathLength) {
      this.#room.left--
      this.#rules.set(pointer, rules)
    }
    return rules
  }
}
