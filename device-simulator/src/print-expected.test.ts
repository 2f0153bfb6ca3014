import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, expect, it } from 'vitest'
import { readFlags } from './flags.ts'
import { printExpected } from './print-expected.ts'
import type { SentMessage } from './sent-message.ts'

const folder = mkdtempSync(join(tmpdir(), 'print-'))
afterAll(() => rmSync(folder, { recursive: true }))

function texts() {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}

async function printed(...args: string[]) {
  const { settings, task } = await readFlags(['--print', ...args])
  expect(task).toBe('print')
  const [out, err] = [texts(), texts()]
  expect(await printExpected(settings, { stdout: out.stream, stderr: err.stream })).toBe(0)
  const lines = out.text().trimEnd().split('\n')
  const messages = lines.slice(0, -1).map((line) => JSON.parse(line) as SentMessage)
  return { messages, end: JSON.parse(lines.at(-1)!), err: err.text() }
}

it('the past of a fleet is the same each time, lies where it was asked for, and holds nothing measured', async () => {
  const args = ['--history', '10m', '--until', '2026-01-05T12:00Z', '--seed', '3']
  const [once, again] = [await printed(...args), await printed(...args)]
  expect(again).toEqual(once)
  const endMs = Date.parse('2026-01-05T12:00Z')
  for (const { ts } of once.messages) {
    expect(ts).toBeGreaterThanOrEqual(endMs - 600_000)
    expect(ts).toBeLessThan(endMs)
  }
  expect(once.messages.some(({ device }) => device === 'this-machine')).toBe(false)
  expect(once.end).toMatchObject({ end: true, messages: once.messages.length, reproducible: true })
})

it('a printed fleet misbehaves as it was told to', async () => {
  const { messages } = await printed('--history', '10m', '--until', '2026-01-05T12:00Z', '--perturb', 'dropout=0.5')
  const cold = messages.filter(({ device }) => device === 'cold-store')
  expect(cold.length).toBeLessThan(50)
  expect(cold.at(-1)!.seq).toBeGreaterThan(cold.length)
})

it('a recording keeps its own times, and what cannot be read is told beside it', async () => {
  const [file, map] = [join(folder, 'r.csv'), join(folder, 'r.yaml')]
  writeFileSync(file, 'at,t\n2020-01-01T00:00:00Z,4\nlater,5\n2099-01-01T00:01:00Z,6\n')
  writeFileSync(
    map,
    'format: csv\ntime: { column: at, format: iso }\nsite: s\ndevice: d\nmetrics: { temperature: t }\n',
  )
  const { messages, err } = await printed('--replay', file, '--map', map)
  expect(messages.map(({ ts, readings }) => [ts, readings.temperature])).toEqual([
    [Date.UTC(2020, 0, 1), 4],
    [Date.UTC(2099, 0, 1, 0, 1), 6],
  ])
  expect(err).toContain('line 3')
})
