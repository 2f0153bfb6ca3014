import { AgentsView } from './agents/agents-view.ts'
import { alertsEntry } from './alerts/alerts-entry.ts'
import { devicePlace } from './model/route.ts'
import { PipelineView } from './pipeline/pipeline-view.ts'
import { AccountsView } from './view/accounts-view.ts'
import { DeviceView } from './view/device-view.ts'
import { FleetView } from './view/fleet-view.ts'
import type { ViewEntry } from './view/view.ts'

const device: ViewEntry = {
  id: 'device',
  title: ({ parts }) => parts.at(-1) ?? '',
  open(app, route) {
    const place = devicePlace(route)
    return place && new DeviceView(app, place)
  },
}

/** Every view of the page, in the order of the navigation; the first one stands for every unknown address. */
export const views: readonly [ViewEntry, ...ViewEntry[]] = [
  { id: 'fleet', label: 'Fleet', open: (app) => new FleetView(app) },
  alertsEntry,
  { id: 'pipeline', label: 'Pipeline', title: () => 'Pipeline', open: (app) => new PipelineView(app) },
  { id: 'agents', label: 'Agents', title: () => 'Agents', open: (app) => new AgentsView(app) },
  { id: 'accounts', label: 'Accounts', title: () => 'Accounts', open: (app) => new AccountsView(app) },
  device,
]
