import type { Alert } from '@millrace/contracts'
import { loadConfig } from '@millrace/pipeline'
import { stringify } from 'yaml'
import { z } from 'zod'
import { subjectOf } from './episodes.ts'
import { timeText } from './text.ts'

const time = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), 'a time such as 2026-01-05T12:03:00Z')
  .transform((text) => Date.parse(text))

const expectSchema = z.strictObject({
  alerts: z.array(
    z.strictObject({
      rule: z.string(),
      /** `site/device/metric`, as the table shows it. */
      subject: z.string(),
      start: time,
      /** Null where it is still active at the end. */
      end: time.nullable(),
    }),
  ),
})
export type Expected = z.output<typeof expectSchema>['alerts'][number]

/** The alerts that a file says must come of a past. Throws a UsageError on a file that says it wrongly. */
export async function loadExpected(file: string): Promise<Expected[]> {
  return (await loadConfig(file, expectSchema)).alerts
}

const keyOf = ({ rule, subject, start, end }: Expected) => `${rule} ${subject} ${start} ${end}`

const expectedOf = (alert: Alert): Expected => ({
  rule: alert.rule,
  subject: subjectOf(alert),
  start: alert.start,
  end: alert.end,
})

const lineOf = (mark: string, { rule, subject, start, end }: Expected) =>
  `${mark} ${rule}  ${subject}  ${timeText(start)} to ${end === null ? 'the end' : timeText(end)}`

/** One line per difference; none where exactly the expected alerts came. */
export function differencesFrom(expected: readonly Expected[], alerts: readonly Alert[]): string[] {
  const came = alerts.map(expectedOf)
  const [wantedKeys, cameKeys] = [new Set(expected.map(keyOf)), new Set(came.map(keyOf))]
  return [
    ...expected.filter((each) => !cameKeys.has(keyOf(each))).map((each) => lineOf('- expected, did not come:', each)),
    ...came.filter((each) => !wantedKeys.has(keyOf(each))).map((each) => lineOf('+ came, not expected:', each)),
  ]
}

/** The text of a file that expects exactly these alerts. */
export function expectedText(alerts: readonly Alert[]): string {
  const iso = (ms: number) => new Date(ms).toISOString()
  return stringify({
    alerts: alerts.map(expectedOf).map((each) => ({
      ...each,
      start: iso(each.start),
      end: each.end === null ? null : iso(each.end),
    })),
  })
}
