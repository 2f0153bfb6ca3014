import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dashboards } from './dashboards.ts'

const root = join(import.meta.dirname, '../../..')
const modules = join(root, 'node_modules')
const testing = join(import.meta.dirname, '../testing')

/** The types of panels import their own package by its name; here it has another one. */
const paths = { '@grafana/schema': [join(modules, '@grafana/schema-11/dist/esm/index.d.mts')] }
const compilerOptions = {
  ...{ target: 'es2024', module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2024'], types: [], noEmit: true },
  ...{ strict: true, exactOptionalPropertyTypes: false, skipLibCheck: true, allowImportingTsExtensions: true, paths },
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-grafana-types-'))
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

/** What the compiler says of pages as literals of the type, so that it refuses keys it does not know. */
async function complaints(version: string, pages: Record<string, string>): Promise<string> {
  const include: string[] = []
  for (const [name, json] of Object.entries(pages)) {
    const file = join(folder, `${version}-${name}.ts`)
    const type = `import type { DashboardFile } from '${join(testing, `schema-${version}.ts`)}'\n`
    await writeFile(file, `${type}export const page: DashboardFile = ${json}`)
    include.push(file)
  }
  const project = join(folder, `tsconfig-${version}-${Object.keys(pages).join('-')}.json`)
  await writeFile(project, JSON.stringify({ compilerOptions, files: include }))
  return await new Promise((resolve) => {
    const args = [join(modules, 'typescript/bin/tsc'), '-p', project, '--pretty', 'false']
    execFile(process.execPath, args, (_, stdout, stderr) => resolve(stdout + stderr))
  })
}

const pages = Object.fromEntries(dashboards().map(({ page, json }) => [page, json]))

describe.each(['9', '11'])('the types of Grafana %s', (version) => {
  test('hold every dashboard', async () => {
    expect(await complaints(version, pages)).toBe('')
  })

  test.each([
    ['an unknown key of a panel', '"gridPos": {', '"gridPosition": {}, "gridPos": {'],
    ['an unknown look of a series', '"drawStyle": "', '"drawStyle": "dotted '],
    ['a number for a text', /"refresh": "[^"]+"/, '"refresh": 1'],
    ['an unknown kind of panel', '"type": "timeseries"', '"type": "graph2"'],
    ['a query without its format', '"resultFormat": "table"', '"resultFormat": "tables"'],
  ])('refuse %s', async (_, good, bad) => {
    const broken = pages.overview!.replace(good, bad)
    expect(broken).not.toBe(pages.overview)
    expect(await complaints(version, { [`broken${broken.length}`]: broken })).toContain('error TS')
  })
})
