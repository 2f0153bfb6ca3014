import { type Mutant, wrong } from '../mutant.ts'

const spool = 'edge-agent/src/spool'
const own = `${spool}/lineage.test.ts`
const whole = 'edge-agent/src/rolled-back.test.ts'

/** A spool that takes itself for what it is not: a copy for the first life, or the first life for a copy. */
export const lineage: readonly Mutant[] = [
  ...wrong(`${spool}/lineage.ts`, own, [
    [
      'copy-one-number-behind-is-believed',
      'sites.every(({ site, newest }) => newest <= (limits.get(site) ?? -1))',
      'sites.every(({ site, newest }) => newest <= (limits.get(site) ?? -1) + 1)',
    ],
    [
      'sound-spool-takes-itself-for-a-copy',
      'sites.every(({ site, newest }) => newest <= (limits.get(site) ?? -1))',
      'sites.every(({ site, newest }) => newest < (limits.get(site) ?? -1))',
    ],
    ['answer-to-another-start-is-believed', 'receipt.standing?.to === this.#spool.epoch', 'receipt.standing'],
    ['kept-of-the-first-life-counts-again', 'shared.map((n) => n + 1)', 'shared'],
    ['line-moves-with-a-restart', 'limits: goesOn ? known.limits : new Map(numbers)', 'limits: new Map(numbers)'],
    ['ranges-above-are-not-seen', 'Math.max(upTo, ...ranges.map(([, last]) => last))', 'upTo'],
    ['kept-without-bound', 'if (state.keptBytes > this.#maxKeptBytes) return this.#lapse()', ''],
    ['forged-receipt-confirms', 'confirms: settles && receipt.greets !== true', 'confirms: receipt.greets !== true'],
    ['kept-in-doubt-is-of-the-first-life', '    state.n += 1\n', ''],
    ['start-forgets-a-doubt', 'Math.max(known.since, ', 'Math.max(0, '],
    ['foreign-number-settles-once-confirmed', 'const foreign = newest > made', 'const foreign = newest > made + 1'],
  ]),
  ...wrong(`${spool}/lineage.ts`, whole, [
    ['sends-while-unconfirmed', "return this.#state.pending ? 'unconfirmed_limits' : undefined", 'return undefined'],
  ]),
]
