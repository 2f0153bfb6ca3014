import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { claims } from './claims/index.ts'
import { shortFormRows } from './short-form.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'faults.md'), 'utf8')

it('docs/faults.md has a row for every fault, and every test that it names is there', () => {
  const rows = [...page.matchAll(/^\| F(\d+) \|/gm)].map((row) => Number(row[1]))
  expect(rows).toEqual(Array.from({ length: 33 }, (_, index) => index + 1))
  const named = [...page.matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, path]) => path!)
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  expect(named.length).toBeGreaterThan(33)
})

it('every fault run has a test of its short form', () => {
  const tests = claims.map(({ name }) => `node e2e/faults/run.ts --long ${name}.`)
  const heads =
    page +
    [...new Set(page.match(/e2e\/[\w-]+\.integration\.test\.ts/g))].map((path) =>
      readFileSync(join(root, path), 'utf8'),
    )
  expect(tests.filter((text) => !heads.includes(text))).toEqual([])
})

it('the README shows the seven figures of the short form, and the command that prints them', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  expect(readme).toContain('npm run test:faults')
  const rows = [...readme.matchAll(/^\| ([a-z0-9 ]+) \| \*\*/gm)].map(([, name]) => name)
  expect(rows).toEqual(shortFormRows)
})
