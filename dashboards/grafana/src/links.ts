import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { variable } from './influxql.ts'

export const uids = {
  overview: 'millrace-overview',
  device: 'millrace-device',
  fleet: 'millrace-fleet',
  alerts: 'millrace-alerts',
  pipeline: 'millrace-pipeline',
} as const

export type Page = keyof typeof uids

const path = (page: Page) => `/d/${uids[page]}/${uids[page]}`

const keep = (...names: string[]) => names.map((name) => variable(`${name}:queryparam`)).join('&')

/** Which choices another page takes over from one: those that both have, where its choice of one can hold them. */
const carried: Readonly<Record<Page, Partial<Record<Page, readonly string[]>>>> = {
  overview: {
    fleet: ['source', 'site', 'device', 'metric'],
    device: ['source', 'metric'],
    alerts: ['source', 'site', 'device', 'metric'],
    pipeline: ['source', 'site'],
  },
  device: {
    overview: ['source', 'site', 'device'],
    fleet: ['source', 'site', 'device'],
    alerts: ['source', 'site', 'device', 'metric'],
    pipeline: ['source', 'site'],
  },
  fleet: {
    overview: ['source', 'site', 'device', 'metric'],
    device: ['source', 'metric'],
    alerts: ['source', 'site', 'device', 'metric'],
    pipeline: ['source', 'site'],
  },
  alerts: {
    overview: ['source', 'site', 'device'],
    fleet: ['source', 'site', 'device'],
    device: ['source', 'metric'],
    pipeline: ['source', 'site'],
  },
  pipeline: { overview: ['source', 'site'], fleet: ['source', 'site'], device: ['source'], alerts: ['source', 'site'] },
}

const purposes: Readonly<Record<Page, string>> = {
  overview: 'History and the live edge of one metric across devices',
  fleet: 'Who is late, silent or incomplete',
  device: 'Everything about one device',
  alerts: 'What was raised, when, and how late it was learned',
  pipeline: 'The stages that readings pass, and the accounts',
}

/** Links to the other pages, with the time range. */
export function pageLinks(from: Page): dashboard.DashboardLinkBuilder[] {
  const pages = (Object.keys(uids) as Page[]).filter((page) => page !== from)
  return pages.map((page) =>
    new dashboard.DashboardLinkBuilder(page.replace(/^./, (letter) => letter.toUpperCase()))
      .type(dashboard.DashboardLinkType.Link)
      .icon('dashboard')
      .tooltip(purposes[page])
      .url(`${path(page)}?${keep(...(carried[from][page] ?? []))}`)
      .keepTime(true),
  )
}

interface DataLink {
  title: string
  url: string
  targetBlank: false
}

const dataLink = (title: string, url: string): DataLink => ({ title, url, targetBlank: false })

/** From a series or a row of a table, both with the tags site and device, to the page of that device. */
export function deviceLink(of: 'series' | 'row'): DataLink {
  const tag = (name: string) => variable(of === 'series' ? `__field.labels.${name}` : `__data.fields.${name}`)
  const device = `var-site=${tag('site')}&var-device=${tag('device')}`
  return dataLink(
    'Open the device',
    `${path('device')}?${keep('source', 'metric')}&${device}&${variable('__url_time_range')}`,
  )
}

/** From a point to the span around its time on the same page: a month of days to a day, a day of hours to an hour. */
export function zoomLink(title: string, windowMs: number): DataLink {
  const kept = keep('source', 'site', 'device', 'metric')
  return dataLink(title, `${path('device')}?${kept}&time=${variable('__value.time')}&time.window=${windowMs}`)
}
