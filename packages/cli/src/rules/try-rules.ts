import { basename } from 'node:path'
import type { CompiledRule } from '@millrace/rules'
import { usableRules } from './compile.ts'
import { createPastEngine, judge } from './judge.ts'
import type { Judgement } from './judgement.ts'
import type { Past, ShowProgress, WantsReadings } from './past.ts'

export interface TryInput {
  folder: string
  /** Rules to compare with. */
  other?: string | undefined
  load(wants: WantsReadings): Promise<Past>
  /** Why a rule cannot be judged on this kind of past; undefined where it can. */
  cannotJudge(rule: CompiledRule): string | undefined
  progress: ShowProgress
}

/** One folder's rules and what they make of the past. */
export interface Tried {
  folder: string
  /** Ids of the rules that were judged. */
  rules: string[]
  judgement: Judgement
  /** Rules that were not judged, and why. */
  notJudged: string[]
}

export interface TryResult {
  past: Past
  tried: Tried
  other: Tried | undefined
}

class Candidate {
  readonly #folder: string
  readonly #rules: CompiledRule[]
  readonly #notJudged: string[]
  readonly engine: ReturnType<typeof createPastEngine>

  constructor(folder: string, { cannotJudge }: TryInput) {
    const all = usableRules(folder)
    this.#folder = folder
    this.#rules = all.filter((rule) => cannotJudge(rule) === undefined)
    this.#notJudged = all.flatMap((rule) => {
      const reason = cannotJudge(rule)
      return reason === undefined ? [] : [`${rule.id} is not judged: ${reason}`]
    })
    this.engine = createPastEngine(this.#rules)
  }

  async judge(past: Past, progress: ShowProgress): Promise<Tried> {
    const named = (text: string) => progress(`${basename(this.#folder)}: ${text}`)
    const judgement = await judge(past, this.engine, named)
    const rules = this.#rules.map(({ id }) => id)
    return { folder: this.#folder, rules, judgement, notJudged: this.#notJudged }
  }
}

/** Lets one folder's rules, or two folders' in turn, judge the same past. Throws a UsageError on rules with problems. */
export async function tryRules(input: TryInput): Promise<TryResult> {
  const candidate = new Candidate(input.folder, input)
  const other = input.other === undefined ? undefined : new Candidate(input.other, input)
  const past = await input.load(
    (series) => candidate.engine.wantsReadings(series) || other?.engine.wantsReadings(series) === true,
  )
  return {
    past,
    tried: await candidate.judge(past, input.progress),
    other: await other?.judge(past, input.progress),
  }
}
