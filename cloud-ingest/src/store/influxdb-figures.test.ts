import { expect, test } from 'vitest'
import type { Figures } from '../figures.ts'
import { noon } from '../testing/rows.ts'
import { toPoints } from './influxdb-figures.ts'

const dayMs = 86_400_000
const site = {
  ...{ site: 'north', accepted: 9, closed: 9, open: 0, duplicate: 0, tooLate: 0, invalid: 0, dropped: 0, qos0: 0 },
  ...{ unaccounted: 0, sent: 9, held: 9, refused: 0, mismatch: 0 },
}
const figures: Figures = {
  ...{ atMs: noon + 0.5, endOfHourMs: noon, sites: [site] },
  stages: [{ stage: 'ingest-serve', total: 3, latencyMs: 0.123456, behind: Number.NaN }, { stage: 'ingest-collect' }],
}

test('a figure that is no number is left out, and so is a stage without any', () => {
  const [live] = toPoints(figures, noon)
  expect(live!.points.map(({ measurement, tags, fields }) => [measurement, tags, fields])).toEqual([
    ['accounts', { site: 'north' }, { ...site, site: undefined }],
    ['pipeline', { stage: 'ingest-serve' }, { total: 3, latencyMs: 0.123 }],
  ])
  expect(live!.points[0]!.timestamp).toBe(noon)
})

test('figures of a time that the policy no longer keeps are not sent, those of the hour are', () => {
  expect(toPoints(figures, noon + 2 * dayMs).map(({ policy }) => policy)).toEqual(['history'])
  expect(toPoints({ ...figures, endOfHourMs: undefined }, noon + 2 * dayMs)).toEqual([])
})
