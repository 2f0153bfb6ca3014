import type { ApiAlert, Silence } from '@millrace/contracts'

export interface MatchChoice {
  label: string
  match: Silence['match']
}

/** What a silence could match that begins with this alert, narrowest first. */
export function matchChoices({ rule, site, device, metric }: ApiAlert): MatchChoice[] {
  const metricOf = metric === null ? {} : { metric }
  if (device === null)
    return [
      { label: `This rule at ${site}`, match: { rule, site, ...metricOf } },
      { label: 'This rule everywhere', match: { rule } },
      { label: `Everything at ${site}`, match: { site } },
    ]
  return [
    { label: `This rule at ${device}`, match: { rule, site, device, ...metricOf } },
    { label: `Everything of ${device}`, match: { site, device } },
    { label: 'This rule everywhere', match: { rule } },
    { label: `Everything at ${site}`, match: { site } },
  ]
}

/** Of the choices above, which have no globs and no labels. */
export function isMatched(match: Silence['match'], alert: ApiAlert): boolean {
  return (['rule', 'site', 'device', 'metric'] as const).every((key) => (match[key] ?? alert[key]) === alert[key])
}

const minuteMs = 60_000
export const durations = [
  { label: '1 hour', ms: 60 * minuteMs },
  { label: '4 hours', ms: 240 * minuteMs },
  { label: '1 day', ms: 1_440 * minuteMs },
  { label: '1 week', ms: 10_080 * minuteMs },
] as const
