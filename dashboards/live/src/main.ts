import 'uplot/dist/uPlot.min.css'
import './style/theme.css'
import './style/shell.css'
import './style/ledger.css'
import './style/fleet.css'
import './style/device.css'
import './style/tables.css'
import './style/pipeline.css'
import './style/stages.css'
import './style/agents.css'
import './style/alerts.css'
import './style/alert.css'
import './style/watchers.css'
import './style/marks.css'
import './style/help.css'
import { App } from './app.ts'
import { applyTheme, readTheme } from './view/palette.ts'
import { Shell } from './view/shell.ts'

applyTheme(readTheme())
const host = document.getElementById('app')
if (host) {
  const app = new App()
  new Shell(app, host).start()
  app.start()
}
