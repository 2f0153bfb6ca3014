import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import type { Page } from './links.ts'
import { toJson } from './page.ts'
import { alerts } from './pages/alerts.ts'
import { device } from './pages/device.ts'
import { fleet } from './pages/fleet.ts'
import { overview } from './pages/overview.ts'
import { pipeline } from './pages/pipeline.ts'

const pages = { overview, device, fleet, alerts, pipeline } as const satisfies Record<Page, () => dashboard.Dashboard>

export interface DashboardFile {
  page: Page
  /** Its name in the folder `dashboards`. */
  file: string
  dashboard: dashboard.Dashboard
  json: string
}

export function dashboards(): DashboardFile[] {
  return (Object.keys(pages) as Page[]).map((page) => {
    const built = pages[page]()
    return { page, file: `${page}.json`, dashboard: built, json: toJson(built) }
  })
}
