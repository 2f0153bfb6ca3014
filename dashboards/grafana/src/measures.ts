import { chosen, inRange, type Selection, tables } from './influxql.ts'

/** Weighted by the readings of each window, so that any interval gives the mean of its readings. */
export const meanOfReadings = 'sum("sum") / sum("count")'

/**
 * Messages that arrived, of those that the numbers of the chosen devices say were sent, in percent. Devices without
 * numbers have no field `missing`: their messages would make the others look better.
 */
export function completePercent(split: Pick<Selection, 'every' | 'by' | 'fill'> = {}): Selection {
  return {
    fields: { complete: '100 * sum("messages") / (sum("messages") + sum("missing"))' },
    from: tables.completeness,
    where: ['"missing" >= 0', chosen('site', 'device'), inRange],
    ...split,
  }
}
