import type { ApiSummary } from '@millrace/contracts'
import type { FieldDifference } from './compare-row.ts'
import { rankInSketch, readSketch, type SketchBins } from './sketch-bins.ts'

const percentiles = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
] as const

/** A sketch tells a value within 1 % of it; sizes below the smallest it tells apart count as zero. */
const sketchError = 0.01 * (1 + 1e-6)
const smallest = 1e-300

/** A percentile that was itself kept within [min, max] is still as near to the sketch: the sketch may be past that end by its error alone. */
function percentileDifferences(row: ApiSummary, sketch: SketchBins): FieldDifference[] {
  return percentiles.flatMap(([field, q]) => {
    const expected = rankInSketch(sketch, q)
    const found = row[field]
    const near = Math.abs(found - expected) <= Math.max(Math.abs(found), Math.abs(expected)) * sketchError + smallest
    return near ? [] : [{ field, expected, found }]
  })
}

/** A row's sketch must hold as many readings as its count says and agree with its percentiles. */
export function compareSketch(row: ApiSummary): FieldDifference[] {
  if (row.sketch === undefined) return []
  const sketch = readSketch(row.sketch)
  if (!sketch) return [{ field: 'sketch', expected: `a sketch of ${row.count} readings`, found: 'none' }]
  if (sketch.count !== row.count) return [{ field: 'sketch', expected: row.count, found: sketch.count }]
  return percentileDifferences(row, sketch)
}
