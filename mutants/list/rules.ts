import { type Mutant, wrong } from '../mutant.ts'

const source = 'packages/rules/src'
const timelines = `${source}/timelines.test.ts`
const anyOrder = `${source}/any-order.test.ts`

export const rules: readonly Mutant[] = [
  ...wrong(`${source}/definition/bounds.ts`, `${source}/definition/bounds.test.ts`, [
    ['at-the-limit-is-bad', 'value > bounds.high', 'value >= bounds.high'],
  ]),
  ...wrong(`${source}/definition/bounds.ts`, timelines, [
    ['hysteresis-ignored', "return isGood(value, bounds) ? 'good' : 'between'", "return 'good'"],
  ]),
  ...wrong(`${source}/engine/fold.ts`, timelines, [
    ['raised-a-window-early', 'state.pendingMs < forMs) return', 'state.pendingMs + lengthMs < forMs) return'],
    ['raised-a-window-late', 'state.pendingMs < forMs) return', 'state.pendingMs <= forMs) return'],
    [
      'pending-outlives-the-good',
      '    this.#forget()\n    this.state.lastEnd = end',
      '    this.state.firing = false\n    this.state.lastEnd = end',
    ],
    ['gap-bridged-for-ever', 'if (!state.firing && gap > ', 'if (false && gap > '],
    [
      'worst-is-the-newest',
      'if (!(beyond(state.worst, bounds) >= beyond(value, bounds))) state.worst = value',
      'state.worst = value',
    ],
    ['between-ends-nothing', '    if (!this.state.firing) this.#forget()\n', ''],
  ]),
  ...wrong(`${source}/engine/timeline.ts`, anyOrder, [
    ['amended-window-not-judged-again', 'if (changed && exception.start < this.foldedTo) this.#fold = undefined', ''],
    ['late-good-window-ignored', 'if (late) this.#fold = undefined', ''],
  ]),
  ...wrong(`${source}/engine/alert-book.ts`, timelines, [
    ['alert-keeps-its-rev', 'rev: before.rev + 1', 'rev: before.rev'],
  ]),
]
