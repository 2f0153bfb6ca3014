import { type Mutant, wrong } from '../mutant.ts'

const source = 'packages/windows/src'
const keeper = `${source}/window-keeper.test.ts`
const anyOrder = `${source}/any-order.test.ts`
const restore = `${source}/restore.test.ts`

/** Borders of windows, watermarks, floors and late readings. */
const time = [
  ...wrong(`${source}/keeper/reading-intake.ts`, 'edge-agent/src/upkeep.test.ts', [
    ['silence-forgotten', '    owner.lastArrival = this.arrival.monotonicMs\n', ''],
  ]),
  ...wrong(`${source}/window-keeper.ts`, `${source}/dropped.test.ts`, [
    ['given-up-stays-closed', '      device.counts.closed -= readings\n', ''],
  ]),
  ...wrong(`${source}/keeper/device-state.ts`, keeper, [
    ['watermark-without-lateness', 'this.newest - latenessMs)', 'this.newest)'],
    ['floor-falls', 'if (floor > this.floor) this.floor = floor', 'this.floor = floor'],
    ['floor-ignores-the-span', 'Math.min(amendForMs, amendSpanMs)', 'amendForMs'],
    ['late-window-closes-at-once', 'end > this.watermark ? end : this.watermark + lengthMs', 'end'],
    ['settings-change-within-the-hour', 'Math.floor(seen / hourMs) * hourMs + hourMs', 'seen'],
    ['next-close-is-the-last', 'if (closeAt < this.nextCloseAt)', 'if (closeAt > this.nextCloseAt)'],
  ]),
  ...wrong(`${source}/keeper/reading-intake.ts`, keeper, [
    ['window-starts-rounded', 'Math.floor(ts / lengthMs) * lengthMs', 'Math.round(ts / lengthMs) * lengthMs'],
    ['future-is-accepted', "if (ts > this.arrival.wallMs + futureMs) return 'future'", ''],
    ['too-late-off-by-one', "if (end <= owner.floor) return 'too-late'", "if (end < owner.floor) return 'too-late'"],
    ['closes-after-the-border', 'owner.watermark >= owner.nextCloseAt', 'owner.watermark > owner.nextCloseAt'],
    [
      'watermark-from-arrival',
      'if (ts > owner.newest) this.moveOn(owner, ts)',
      'this.moveOn(owner, this.arrival.wallMs)',
    ],
    ['window-end-included', '    ts < window.end &&\n', '    ts <= window.end &&\n'],
    ['touched-window-not-saved', '    if (!window.touched) this.state.touchWindow(window)\n', ''],
    [
      'over-rate-not-capped',
      "    else this.setAside(owner, 'over-rate', { readings, i })",
      '    else this.push(window, readings, i)',
    ],
    ['repeats-fill-a-window', ' || this.makeRoom(window))', ')'],
  ]),
  ...wrong(`${source}/keeper/close-due.ts`, keeper, [
    ['closes-one-too-few', 'window.closeAt <= upTo', 'window.closeAt < upTo'],
  ]),
  ...wrong(`${source}/window-keeper.ts`, keeper, [
    [
      'idle-moves-the-watermark',
      'if (device.hasOpen) closeDue(this.state, device, Number.POSITIVE_INFINITY)',
      'device.newest += 60_000; device.advance(1e12); closeDue(this.state, device, Number.POSITIVE_INFINITY)',
    ],
    ['start-keeps-the-anchor', '    this.state.anchor = undefined\n', ''],
    ['start-keeps-arrivals', '      device.lastArrival = Number.NaN\n', ''],
    ['retired-keeps-its-floor', '    device.raiseFloor(', '    void ('],
    ['span-not-applied', '      device.advance(amendSpanMs)\n', ''],
  ]),
  ...wrong(`${source}/keeper/arrival.ts`, keeper, [
    ['stamps-with-the-anchor', 'anchor.wallMs + (monotonicMs - anchor.monotonicMs)', 'anchor.wallMs'],
  ]),
]

/** What makes two readings the same. */
const keys = [
  ...wrong(`${source}/set-order.ts`, `${source}/keys.test.ts`, [
    ['seq-alone-is-the-key', 'if (kind !== bootAndSeq && rows.ts[b]! > rows.ts[a]!) return 1', ''],
    ['boot-is-ignored', 'if (hasSeq && rows.boot[i] !== 0) return bootAndSeq', ''],
    [
      'last-of-a-key-counts',
      'at > 0 && kinds[a] !== noKey && sameKey(byKey[at - 1]!, a)',
      'kinds[a] !== noKey && at + 1 < byKey.length && sameKey(byKey[at + 1]!, a)',
    ],
    ['boots-ordered-by-id', 'return bootName(a) < bootName(b) ? -1 : 1', 'return a - b'],
  ]),
  ...wrong(`${source}/range-set.ts`, `${source}/range-set.test.ts`, [
    [
      'range-has-its-border-wrong',
      '    return before >= 0 && n <= this.lasts[before]!\n',
      '    return before >= 0 && n < this.lasts[before]!\n',
    ],
    ['ranges-that-touch-stay-apart', 'this.firsts[to]! <= last + 1', 'this.firsts[to]! <= last'],
  ]),
  ...wrong(`${source}/set-order.ts`, anyOrder, [
    ['value-not-in-the-order', '    compareValues(value[a]!, value[b]!) ||\n', ''],
    ['repeats-kept', 'if (order > 0) kept[length++] = i', 'if (order >= 0) kept[length++] = i'],
  ]),
  ...wrong(`${source}/keeper/unstamped-keys.ts`, keeper, [
    ['unstamped-boots-forgotten-early', 'const bootsKept = 4', 'const bootsKept = 1'],
    ['unstamped-repeat-is-new', 'const isNew = ranges.add(seq)', 'const isNew = ranges.add(seq) || true'],
  ]),
]

/** Revisions and unions. */
const revisions = [
  ...wrong(`${source}/close-window.ts`, `${source}/keys.test.ts`, [
    ['rev-increased-without-news', 'stored.rev + Number(isNew)', 'stored.rev + 1'],
  ]),
  ...wrong(`${source}/close-window.ts`, anyOrder, [
    [
      'union-forgets-what-was-stored',
      'concatenate(decodeSet(stored.bytes), arrived)',
      'concatenate(arrived, emptyRows(0))',
    ],
  ]),
  ...wrong(`${source}/close-window.ts`, keeper, [
    ['rev-not-increased', 'stored.rev + Number(isNew)', 'stored.rev'],
    ['amended-not-counted', 'stored.amended + added', 'stored.amended'],
    ['over-rate-gives-up-the-stored', 'if ((union.flags[i]! & arrivedNow) === 0) continue', ''],
  ]),
  ...wrong(`${source}/close-completeness.ts`, `${source}/completeness.test.ts`, [
    ['completeness-rev-not-increased', 'stored.rev + 1 : 0', 'stored.rev : 0'],
    ['fallen-seq-believed', 'const known = numbers.length > 0 && !fell', 'const known = numbers.length > 0'],
    ['unnumbered-not-counted', 'seqs.count + numbers.length + unnumbered', 'seqs.count + numbers.length'],
  ]),
]

/** Summaries, percentiles, sketches, merging. */
const summaries = [
  ...wrong(`${source}/nearest-rank.ts`, `${source}/summaries.test.ts`, [
    ['rank-one-too-high', '/ parts) - 1)', '/ parts))'],
    ['rank-rounded-down', 'Math.ceil(', 'Math.floor('],
  ]),
  ...wrong(`${source}/summarize.ts`, `${source}/summaries.test.ts`, [
    ['stddev-of-the-sample', '(rest * rest) / count) / count)', '(rest * rest) / count) / (count - 1 || 1))'],
    ['first-is-the-smallest', 'first: set.value[0]! + 0', 'first: sorted[0]! + 0'],
    ['reset-counts-as-a-fall', 'next >= before ? next - before : Math.max(0, next)', 'next - before'],
    ['first-step-of-a-counter', 'for (let i = 1; i < values.length', 'for (let i = 2; i < values.length'],
    ['minus-zero-in-json', 'min: min + 0,', 'min,'],
  ]),
  ...wrong(`${source}/merge-rows.ts`, `${source}/summaries.test.ts`, [
    ['merge-drops-a-part', 'const sketch = mergeSketches(rows.map(', 'const sketch = mergeSketches(rows.slice(1).map('],
    ['merged-stddev-without-means', 'row.stddev ** 2 + (row.mean - mean) ** 2', 'row.stddev ** 2'],
    ['merged-step-forgotten', '    if (before) sum.add(counterStep(before.last, row.first))\n', ''],
    ['merged-percentile-not-clamped', 'clamp(sketchQuantile(sketch, q), min, max)', 'sketchQuantile(sketch, q)'],
    [
      'merged-last-of-the-first',
      '(a.lastTs - b.lastTs || a.last - b.last) >= 0',
      '(a.lastTs - b.lastTs || a.last - b.last) <= 0',
    ],
    [
      'merged-mean-of-means',
      'const mean = clamp(sum / count, min, max)',
      'const mean = clamp(sumOf(rows, (row) => row.mean) / rows.length, min, max)',
    ],
  ]),
  ...wrong(`${source}/sketch.ts`, `${source}/sketch.test.ts`, [
    ['sketch-loses-negatives', 'negative: mergeBins(sketches.map((sketch) => sketch.negative))', 'negative: noBins()'],
    ['sketch-zeros-not-merged', 'sum + sketch.zeros, 0)', 'sum, 0)'],
    ['sketch-negatives-upside-down', 'below - 1 - rank', 'rank'],
    ['sketch-bins-too-wide', 'const relativeError = 0.01', 'const relativeError = 0.02'],
    ['sketch-bin-rounded-down', 'Math.ceil(Math.log(size) / logGamma)', 'Math.floor(Math.log(size) / logGamma)'],
    ['sketch-rank-off-by-one', 'return seen > rank', 'return seen >= rank'],
  ]),
]

/** A checkpoint holds all that the windows need. */
const checkpoints = [
  ...wrong(`${source}/keeper/changes.ts`, restore, [
    ['reopened-window-deleted', '.filter(({ series, start }) => !state.find(series, start))', ''],
    ['devices-not-saved', 'devices: state.touchedDevices.map(', 'devices: state.touchedDevices.slice(1).map('],
    [
      'unstamped-not-restored',
      'for (const row of saved.unstamped) state.unstamped',
      'for (const row of []) state.unstamped',
    ],
  ]),
  ...wrong(`${source}/keeper/saved-rows.ts`, restore, [
    ['close-time-not-saved', '  out.float(frame.closeAt)\n', '  out.float(0)\n'],
    ['floor-not-restored', '  device.floor = time(json.floor)\n', ''],
  ]),
]

export const windows: readonly Mutant[] = [...time, ...keys, ...revisions, ...summaries, ...checkpoints]
