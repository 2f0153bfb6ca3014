/** What both sides must agree on for one window of one series. */
export interface WindowResult {
  count: number
  min: number
  max: number
  mean: number
  p95: number
}

/** By `site/device/metric start`. */
export type Results = Map<string, WindowResult>

/** Throws on the first difference: a run whose results differ measured nothing. */
export function demandEqual(ours: Results, plain: Results): void {
  if (ours.size !== plain.size) throw new Error(`${ours.size} windows against ${plain.size}`)
  for (const [key, expected] of plain) {
    const found = ours.get(key)
    const exact = found && (['count', 'min', 'max', 'p95'] as const).every((field) => found[field] === expected[field])
    const close = found && Math.abs(found.mean - expected.mean) <= 1e-9 * Math.abs(expected.mean)
    if (!exact || !close) throw new Error(`${key}: ${JSON.stringify(found)} against ${JSON.stringify(expected)}`)
  }
}
