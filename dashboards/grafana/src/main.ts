import { writeFile } from 'node:fs/promises'
import { dashboards } from './dashboards.ts'

for (const { file, json } of dashboards()) await writeFile(new URL(`../dashboards/${file}`, import.meta.url), json)
