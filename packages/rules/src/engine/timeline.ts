import type { Alert } from '@millrace/contracts'
import type { CompiledRule } from '../types.ts'
import { AlertBook } from './alert-book.ts'
import { bad, type Exception, Exceptions } from './exceptions.ts'
import { calmState, type Episode, Fold, type FoldState, isCalm } from './fold.ts'
import type { Host } from './host.ts'
import type { Judged } from './judged.ts'
import type { Run } from './line.ts'

/** What one rule says of one subject, where that is more than "good wherever it was judged". */
export class Timeline implements Judged {
  /** Of its samples. */
  readonly id: number
  readonly key: string
  rule: CompiledRule
  readonly host: Host
  /** Judgements of runs with an older epoch are not this rule's. */
  readonly epoch: number
  readonly exceptions = new Exceptions()
  readonly book = new AlertBook()
  #base: FoldState = calmState()
  /** Of everything up to `foldedTo`, as long as nothing before that changes: undefined where it did. */
  #fold: Fold | undefined
  /** Of the line, when the fold began. */
  #edits = 0
  /** Of the newest fold: whether nothing was pending or firing, and up to where it went. */
  calm = true
  foldedTo = Number.NEGATIVE_INFINITY

  constructor(about: Pick<Timeline, 'id' | 'key' | 'rule' | 'host' | 'epoch'>) {
    this.id = about.id
    this.key = about.key
    this.rule = about.rule
    this.host = about.host
    this.epoch = about.epoch
  }

  /** What came before everything that can still change. */
  get base(): FoldState {
    return this.#base
  }

  set base(base: FoldState) {
    this.#base = base
    this.#fold = undefined
  }

  /** Whether the judgement changes anything. */
  judge(exception: Exception): boolean {
    const changed = this.exceptions.set(exception)
    if (changed && exception.start < this.foldedTo) this.#fold = undefined
    return changed
  }

  /** A good judgement; one after everything known changes nothing while nothing is pending or firing. */
  judgeGood(start: number): boolean {
    const removed = this.exceptions.remove(start)
    const late = start < this.foldedTo
    if (late) this.#fold = undefined
    return removed || late || !this.calm
  }

  /** Folds what is new, or everything where something older changed, and tells what changed. */
  refold(learned: number): Alert[] {
    const { rule, host } = this
    return this.book.compare(this.#folded(), { rule, names: host.names, unit: unitOf(rule, host.unit), learned })
  }

  /** Finds out where it is, after its judgements were brought back. */
  resume(): void {
    this.#folded()
  }

  /** Moves what cannot change any more into the base, and answers with it. Call before the line forgets it. */
  settle(floor: number): Exception[] {
    const fold = this.#foldFrom(this.#base)
    const runs = this.host.line.runs.filter((run) => run.epoch >= this.epoch && run.from < floor)
    const old = this.exceptions.within(Number.NEGATIVE_INFINITY, floor)
    const clipped = runs.map((run) => ({ ...run, to: Math.min(run.to, floor) }))
    foldRuns(fold, clipped, old)
    this.#base = fold.state
    if (this.foldedTo < floor) this.#fold = undefined
    this.#fold?.dropBefore(floor)
    this.exceptions.dropBefore(floor)
    this.book.dropBefore(floor)
    return old
  }

  /** Nothing is left to remember. */
  get trivial(): boolean {
    return this.exceptions.length === 0 && this.book.known.size === 0 && isCalm(this.base)
  }

  #folded(): readonly Episode[] {
    const { line } = this.host
    if (this.#edits !== line.edits) this.#fold = undefined
    const from = this.#fold ? this.foldedTo : Number.NEGATIVE_INFINITY
    const fold = this.#fold ?? this.#foldFrom(this.#base)
    const runs = line.runs.filter((run) => run.epoch >= this.epoch && !(run.to <= from))
    const clipped = runs.map((run) => (run.from < from ? { ...run, from } : run))
    foldRuns(fold, clipped, this.exceptions.within(from, Number.POSITIVE_INFINITY))
    this.#fold = fold
    this.#edits = line.edits
    this.calm = isCalm(fold.state)
    this.foldedTo = fold.state.lastEnd
    return fold.all()
  }

  #foldFrom(state: FoldState): Fold {
    const { bounds, definition } = this.rule
    return new Fold({ forMs: definition.for ?? 0, bounds, patienceMs: 0 }, state)
  }
}

/** Of what the rule judges, which need not be the unit of the readings. */
function unitOf({ definition }: CompiledRule, unit: string): string {
  if (definition.kind === 'deviation') return 'σ'
  if (definition.kind === 'incomplete') return definition.missing === undefined ? '' : '%'
  if ('field' in definition && definition.field === 'count') return ''
  return definition.kind === 'group' && definition.of === 'count' ? '' : unit
}

/** Runs are good but for the exceptions in them. */
function foldRuns(fold: Fold, runs: readonly Run[], exceptions: readonly Exception[]): void {
  let next = 0
  for (const run of runs) {
    while (next < exceptions.length && exceptions[next]!.start < run.from) next++
    const first = next
    while (next < exceptions.length && exceptions[next]!.start < run.to) next++
    foldRun(fold, run, exceptions.slice(first, next))
  }
}

function foldRun(fold: Fold, run: Run, exceptions: readonly Exception[]): void {
  let from = run.from
  for (const { start, lengthMs, level, value } of exceptions) {
    if (start > from) fold.good(from, start)
    if (level === bad) fold.bad(start, lengthMs, value)
    else fold.between(start, lengthMs)
    from = start + lengthMs
  }
  if (from < run.to) fold.good(from, run.to)
}
