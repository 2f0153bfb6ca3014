import { expect, test } from 'vitest'
import { until } from '../../pipeline/testing/index.ts'
import { newFolder, spoolOptions, startChild } from '../testing/index.ts'
import { journal, openSpool } from './index.ts'

test('kill -9 at random moments loses nothing that resolved and leaves no half of a write', async () => {
  const folder = newFolder()
  let reported = 0
  for (let round = 0; round < 8; round++) {
    const child = startChild('./writer.ts', [folder])
    // Counted in writes, of which a slow disk makes few in any time.
    const writes = 16 + Math.random() * 24
    await until(() => child.lines.length > writes, { everyMs: 1, label: `${writes} writes` })
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
    child.process.kill('SIGKILL')
    await child.exited
    expect(child.errors()).toBe('')
    reported = Number(child.lines.at(-1))

    const spool = await openSpool(spoolOptions(folder))
    expect(spool.movedAside).toBeNull()
    const rows = await journal.readAfter(spool, 0)
    const twins = await spool.read('SELECT id FROM twins ORDER BY id')
    await spool.close()
    expect(rows.length).toBeGreaterThanOrEqual(reported)
    expect(rows.map(({ id }) => id)).toEqual(Array.from(rows, (_, index) => index + 1))
    expect(twins.map(([id]) => id)).toEqual(rows.map(({ id }) => id))
    const wrong = rows.filter(
      ({ id, bytes }) => bytes.length !== 1 + ((id * 7919) % 30_000) || bytes.some((b) => b !== id % 251),
    )
    expect(wrong).toEqual([])
  }
  expect(reported).toBeGreaterThan(100)
})
