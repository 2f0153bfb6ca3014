const parts = 1e6

/**
 * Index of the q-quantile among `count` sorted values by nearest rank: ceil(q n) - 1, the smallest value that at least
 * the share q of all values does not exceed (SQL `quantile_disc`; Hyndman & Fan 1996, definition 1).
 * `q` is taken to six decimals, as a product of doubles would miss whole ranks: 0.07 * 100 is above 7.
 */
export function nearestRank(q: number, count: number): number {
  return Math.max(0, Math.ceil((Math.round(q * parts) * count) / parts) - 1)
}
