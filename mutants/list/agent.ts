import { type Mutant, wrong } from '../mutant.ts'

const agent = 'edge-agent/src'
const sender = `${agent}/uplink/sender.test.ts`
const budget = `${agent}/uplink/iot-hub-budget.test.ts`

const decoder = [
  ...wrong(`${agent}/decode/judge.ts`, `${agent}/decode/decode.test.ts`, [
    [
      'bad-value-drops-its-neighbours',
      '    for (const metric of metrics) this.#reading(metric, readings[metric])\n',
      '    for (const metric of metrics.slice(0, 1)) this.#reading(metric, readings[metric])\n',
    ],
  ]),
  ...wrong(`${agent}/decode/judge.ts`, `${agent}/decode/scanner-equals-contract.test.ts`, [
    ['taken-not-counted', '      this.#taken++\n', ''],
  ]),
  ...wrong(`${agent}/decode/batch-builder.ts`, `${agent}/decode/scanner-equals-contract.test.ts`, [
    ['roll-back-keeps-readings', '    this.#readings.length = readingCount\n', ''],
  ]),
  ...wrong(`${agent}/decode/judge.ts`, `${agent}/decode/decode.test.ts`, [
    ['too-many-readings-pass', 'total > maxReadingsPerMessage', 'total > 2 * maxReadingsPerMessage'],
    [
      'refused-message-leaves-a-gap',
      '    this.#seal(this.#columns.readingCount, envelope)\n    return { reason }',
      '    return { reason }',
    ],
  ]),
  ...wrong(`${agent}/decode/scanner.ts`, `${agent}/decode/scanner-equals-contract.test.ts`, [
    ['scanner-takes-large-values', '    if (!(Math.abs(value) <= maxAbsoluteValue)) return false\n', ''],
    ['scanner-takes-a-key-twice', '(seen & bit) !== 0 || ', ''],
    ['scanner-takes-a-tail', ' && cursor.peek() < 0\n', '\n'],
  ]),
  ...wrong(`${agent}/decode/skeleton-reader.ts`, `${agent}/decode/scanner-equals-contract.test.ts`, [
    ['skeleton-loses-the-sign', 'return negative ? -size : size', 'return size'],
    ['skeleton-takes-a-leading-zero', '(bytes[first] === zero && wholeDigits > 1)', 'false'],
  ]),
]

const custody = [
  ...wrong(`${agent}/rollup/pack.ts`, `${agent}/rollup/rollup.test.ts`, [
    ['delivered-share-comes-back', 'shares.filter(([message]) => givenUp(message))', '[...shares]'],
    ['revision-overtakes-the-one-before', 'if (after !== null && after !== seq) draft.after.add(after)', ''],
  ]),
  ...wrong(`${agent}/spool/commit-loop.ts`, `${agent}/spool/commit-loop.test.ts`, [
    [
      'refused-but-applied',
      "      for (const delivery of deliveries) delivery.refuse('the spool could not take it')\n",
      '',
    ],
    ['full-keeps-what-it-decoded', '    this.#options.intake.take()\n', ''],
    ['own-entry-lost-when-full', 'this.#own = [...own, ...this.#own]', 'this.#own = this.#own'],
  ]),
  ...wrong(`${agent}/rollup/rollup.ts`, `${agent}/rollup/rollup.test.ts`, [
    [
      'checkpoint-covers-what-waits',
      '      journalUpTo,\n',
      '      journalUpTo: this.#waiting.at(-1)?.id ?? journalUpTo,\n',
    ],
    ['number-given-twice', '    numbers.set(site, seq + 1)\n', ''],
  ]),
  ...wrong(`${agent}/rollup/close.ts`, `${agent}/rollup/rollup.test.ts`, [
    ['two-revisions-in-a-checkpoint', 'rev: knownRev },', 'rev: open.record.set.rev },'],
    ['amended-in-its-first-revision', '    if (row && set.rev === 0) {', '    if (row && set.rev < 0) {'],
  ]),
  ...wrong(`${agent}/rollup/pack.ts`, `${agent}/rollup/pack.test.ts`, [
    [
      'body-over-the-limit',
      'current.draft.bytes + needed(current.draft) > maxBodyBytes',
      'current.draft.bytes > maxBodyBytes',
    ],
    [
      'sent-counted-twice',
      'this.#context.addSent(entry.device, entry.added)\n',
      'this.#context.addSent(entry.device, 2 * entry.added)\n',
    ],
  ]),
]

const uplink = [
  ...wrong(`${agent}/uplink/sender.ts`, `${agent}/uplink/sender-acknowledged.test.ts`, [
    ['refused-message-tried-for-ever', 'if (error instanceof RejectedError && ', 'if (false && '],
  ]),
  ...wrong(`${agent}/uplink/sender.ts`, sender, [
    ['receipt-covers-one-more', 'seq <= receipt.upTo ||', 'seq <= receipt.upTo + 1 ||'],
    ['receipt-range-without-its-end', 'seq >= from && seq <= to)', 'seq >= from && seq < to)'],
    ['receipt-of-another-spool', 'receipt.spool !== this.#options.spool || ', ''],
    ['repeats-without-back-off', 'backoff(entry.tries - 1, repeatLimits, this.#options.random ?? Math.random)', '0'],
    ['receipted-goes-out-again-on-a-full-disk', ' || !this.#unsettled.isEmpty', ''],
    ['more-on-the-way-than-allowed', 'maxOutstanding - this.#outstanding.size', 'maxOutstanding'],
    [
      'wire-acknowledgement-frees',
      "if (this.#options.custody !== 'acknowledged' || this.#stopped) return",
      'if (this.#stopped) return',
    ],
  ]),
  ...wrong(`${agent}/uplink/iot-hub-budget.ts`, budget, [
    ['budget-forgets-on-restart', 'if (day === this.#today()) this.#used = used', ''],
    ['budget-of-yesterday', 'if (day === this.#today()) this.#used = used', 'this.#used = used'],
    ['budget-ignores-repeats', "    this.#count(this.blocksOf(bytes), kept ? 'kept' : 'other')\n", ''],
    ['budget-never-turns', '    this.#used = 0\n    this.#onDisk = 0\n  }\n\n  async', '  }\n\n  async'],
    [
      'budget-one-over',
      'if (this.#used >= this.#maxBlocksPerDay) return false',
      'if (this.#used > this.#maxBlocksPerDay) return false',
    ],
  ]),
  ...wrong(`${agent}/upkeep.ts`, `${agent}/upkeep.test.ts`, [
    ['silence-before-listening', 'Math.max(this.#listeningMs, lastArrivalMonotonicMs)', 'lastArrivalMonotonicMs'],
    [
      'idle-after-three-windows',
      '2 * keeper.settings.lengthMs } = this.#options',
      '3 * keeper.settings.lengthMs } = this.#options',
    ],
    ['device-without-readings-retires', 'Number.isFinite(newestMs) && ', ''],
    ['span-never-grows', 'Math.ceil(keeper.amendSpanMs * 1.25)', 'keeper.amendSpanMs'],
  ]),
  ...wrong(`${agent}/pressure.ts`, `${agent}/pressure.test.ts`, [
    ['refuse-drops-all-the-same', "if (this.#options.whenFull === 'drop-oldest') await", 'await'],
  ]),
]

export const edgeAgent: readonly Mutant[] = [...decoder, ...custody, ...uplink]
