import type { Quantity } from '../names.ts'
import { quantityOf } from '../recorder.ts'
import { type Captures, render } from '../topic-pattern.ts'
import { validName } from '../valid-name.ts'
import { type Member, pointerOf } from './members.ts'
import { PointerPattern, valueAt } from './pointer-pattern.ts'
import { type MappingSettings, type MetricSettings, unitProblem } from './settings.ts'
import { type Words, wordsOf } from './word-value.ts'

interface Entry {
  settings: MetricSettings
  pattern: PointerPattern
  words: Words
}

/** What a member becomes by one entry of a mapping. */
export interface Rule {
  entry: MetricSettings
  words: Words
  /** Text that is no number is what firmwares mix among their numbers. */
  ignoresText: boolean
  wordsOnly: boolean
  /** As the template gives it. */
  rawName: string
  /** Undefined where no valid name can be made of it. */
  metric: string | undefined
  quantity: Quantity
  /** Why this metric cannot have that unit. */
  unitProblem: string | undefined
}

export type MemberRules = readonly Rule[] | 'skipped' | 'time'

/** The entries of a mapping, in order. */
export class MappingRules {
  readonly #entries: readonly Entry[]
  readonly #skip: readonly PointerPattern[]
  readonly #time: string | undefined

  constructor({ metrics, skip, words, time }: MappingSettings) {
    this.#time = time?.at
    this.#entries = metrics.map((settings) => {
      return { settings, pattern: new PointerPattern(settings.at), words: wordsOf(words, settings.words) }
    })
    this.#skip = skip.map((text) => new PointerPattern(text))
  }

  /** Entries for a member, of which the first whose `when` holds counts. */
  of({ path, inArray }: Member, topic: Captures): MemberRules {
    if (this.#time !== undefined && pointerOf(path) === this.#time) return 'time'
    if (this.#skip.some((pattern) => pattern.match(path, false))) return 'skipped'
    return this.#entries.flatMap((entry) => {
      const globs = entry.pattern.match(path, inArray)
      return globs ? [ruleOf(entry, nameOf(entry.settings, { path, globs, topic }))] : []
    })
  }
}

function nameOf(
  { name }: MetricSettings,
  { path, globs, topic }: { path: readonly string[]; globs: string[]; topic: Captures },
): string {
  const numbered = Object.fromEntries(globs.map((text, at) => [String(at + 1), text]))
  return render(name ?? '{path}', { ...topic, ...numbered, path: path.join('.') || 'value' })
}

function ruleOf({ settings, pattern, words }: Entry, rawName: string): Rule {
  const metric = validName(rawName)
  return {
    ...{ entry: settings, words, rawName, metric },
    ignoresText: (settings.otherwise ?? (pattern.open ? 'ignore' : 'set-aside')) === 'ignore',
    wordsOnly: pattern.open,
    quantity: quantityOf(metric ?? '', settings),
    unitProblem: unitProblem(metric ?? '', settings.unit),
  }
}

/** True where the document holds what the entry wants beside its member. */
export function applies({ when }: MetricSettings, document: unknown): boolean {
  if (when === undefined) return true
  const value = valueAt(document, when.at)
  return when.is === undefined ? value !== undefined && value !== null : value === when.is
}
