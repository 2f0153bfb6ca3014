import { writeFile } from 'node:fs/promises'
import { dashboardJson } from './dashboard.ts'

const file = new URL('../dashboards/device.json', import.meta.url)
await writeFile(file, dashboardJson())
