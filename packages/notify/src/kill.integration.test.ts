import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '@millrace/pipeline/testing'
import { expect, test } from 'vitest'
import { startChild } from '../../spool/testing/index.ts'
import type { Behaviour } from '../testing/far-side.ts'
import { HttpFarSide } from '../testing/http-far-side.ts'
import type { Notice, NoticeKind } from './index.ts'

const evaluator = fileURLToPath(new URL('../testing/evaluator.ts', import.meta.url))
const changes = 200

test('kill -9 at random moments, with a receiver of changing mood: every end is told, once by its key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'notify-kill-'))
  const far = new HttpFarSide()
  await far.up()
  const moods: Behaviour[] = ['takes', 'is busy', 'hangs', 'takes']
  for (let round = 0, ended = false; !ended; round++) {
    far.behave(round < 20 ? moods[round % moods.length]! : 'takes')
    const child = startChild(evaluator, [folder, `http://127.0.0.1:${far.port}/`, String(changes)])
    const done = () => child.lines.includes('end')
    await until(() => child.lines.length > 0 || child.process.exitCode !== null, {
      withinMs: 30_000,
      label: 'a change',
    })
    const mayKill = round < 20
    if (mayKill) await new Promise((resolve) => setTimeout(resolve, Math.random() * 400))
    else await until(done, { withinMs: 60_000, label: 'the end' })
    child.process.kill('SIGKILL')
    await child.exited
    expect(child.errors()).toBe('')
    ended = done()
  }
  await far.close()
  rmSync(folder, { recursive: true })

  const bodies = new Map<string, string>()
  for (const { headers, text } of far.received) {
    const key = String(headers['idempotency-key'])
    expect(bodies.get(key) ?? text).toBe(text)
    bodies.set(key, text)
  }
  // A notice lists the first few, and counts all.
  const notices = [...bodies.values()].map((text) => JSON.parse(text) as Notice)
  const sum = (kind: NoticeKind) => notices.reduce((count, { counts }) => count + (counts[kind] ?? 0), 0)
  expect(sum('raised')).toBe(sum('cleared'))
  expect(sum('raised') + sum('passed')).toBe(changes / 2)
  const listed = notices.flatMap(({ items }) => items.map(({ key, kind }) => `${kind} ${key}`))
  expect(new Set(listed).size).toBe(listed.length)
})
