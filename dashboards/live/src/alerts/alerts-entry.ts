import type { ViewEntry } from '../view/view.ts'
import { AlertView } from './alert-view.ts'
import { AlertsView } from './alerts-view.ts'

/** The list, or one alert: the parts of the address are those of its id. */
export const alertsEntry: ViewEntry = {
  id: 'alerts',
  label: 'Alerts',
  title: ({ parts }) => (parts.length === 0 ? 'Alerts' : `Alert ${parts[0]}`),
  badge: ({ alerts }) => {
    const active = alerts.book.active()
    const words = active.length === 1 ? 'active alert' : 'active alerts'
    return { count: active.length, words, level: active[0]?.severity ?? '' }
  },
  open: (app, { parts }) => (parts.length === 0 ? new AlertsView(app) : new AlertView(app, parts.join('/'))),
}
