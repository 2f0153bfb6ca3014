import { z } from 'zod'
import type { SeriesWish } from '../names.ts'

/** `site/device/metric`, `*` standing for any part of a level. */
export const seriesGlob = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9._:*-]+\/[A-Za-z0-9._:*-]+\/[A-Za-z0-9._:*-]+$/, 'site/device/metric, each with * for any part')
export const seriesGlobs = z.array(seriesGlob).max(100)

export type SeriesFilter = SeriesWish

/** Without globs no series is wanted. */
export function seriesFilter(globs: readonly string[]): SeriesFilter {
  if (globs.length === 0) return 'none'
  const patterns = globs.map((glob) => glob.replaceAll(/[.\\]/g, '\\$&').replaceAll('*', '[^/]*'))
  const pattern = new RegExp(`^(?:${patterns.join('|')})$`)
  return ({ site, device, metric }) => pattern.test(`${site}/${device}/${metric}`)
}
