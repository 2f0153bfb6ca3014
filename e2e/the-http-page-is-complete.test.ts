import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs', 'http.md'), 'utf8')
const sources = ['edge-agent/src', 'cloud-ingest/src', 'packages/pipeline/src', 'packages/spool/src']
  .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
  .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')

const found = (pattern: RegExp) => [...new Set([...sources.matchAll(pattern)].map(([, ...parts]) => parts.join(' ')))]

it('docs/http.md has every path that agent and ingest answer', () => {
  const routes = found(/\bapp\.(get|post|delete)(?:<[^(]*>)?\(\s*'([^']+)'/g)
  const fromStore = found(/fromStore\(app, '([^']+)'/g).map((path) => `get ${path}`)
  const told = [...routes, ...fromStore]
    .map((route) => route.replace(/:(\w+)/g, '{$1}').replace('*', '{id}'))
    .map((route) => route.replace(/^\w+/, (method) => method.toUpperCase()))
  expect(told.length).toBeGreaterThan(20)
  expect(told.filter((route) => !page.includes(`\`${route}`))).toEqual([])
})

it('docs/http.md has every meter', () => {
  const meters = found(/\.(?:gauge|counter|histogram)\(\s*'([a-z0-9_]+)'/g)
  expect(meters.length).toBeGreaterThan(40)
  expect(meters.filter((name) => !new RegExp(`\`${name}[\`{]`).test(page))).toEqual([])
})
