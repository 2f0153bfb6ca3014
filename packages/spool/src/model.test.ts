import { SpoolFullError } from '@millrace/pipeline'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../testing/index.ts'
import { journal, openSpool, type Spool } from './index.ts'

const options = () => spoolOptions(newFolder(), { maxBytes: 512 * 1024, reserveBytes: 128 * 1024 })

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ append: fc.array(fc.nat(30_000), { minLength: 1, maxLength: 4 }), reserve: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ drop: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.constant({ reopen: true }) },
)
type Operation = { append?: number[]; reserve?: boolean; drop?: number; reopen?: boolean }

class Run {
  settings = options()
  spool!: Spool
  nextId = 1
  model: [number, number][] = []
  refused = 0

  async apply({ append, reserve = false, drop, reopen }: Operation): Promise<void> {
    if (append) await this.append(append, reserve)
    else if (drop !== undefined) await this.drop(drop)
    else if (reopen) await this.reopen()
  }

  async append(sizes: number[], reserve: boolean): Promise<void> {
    const added = sizes.map((size): [number, number] => [this.nextId++, size])
    const statements = added.flatMap(([id, size]) => journal.append(id, new Uint8Array(size).fill(id)))
    try {
      await this.spool.write(statements, { reserve })
      this.model.push(...added)
    } catch (error) {
      expect(error).toBeInstanceOf(SpoolFullError)
      this.refused++
    }
  }

  async drop(count: number): Promise<void> {
    const [last] = this.model.splice(0, count).at(-1) ?? [0]
    await this.spool.write(journal.drop(last))
  }

  async reopen(): Promise<void> {
    await this.spool.close()
    this.spool = await openSpool(this.settings)
    expect(this.spool.movedAside).toBeNull()
  }
}

test('after any writes, refusals, drops and restarts the spool holds what a plain list would', async () => {
  let refused = 0
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 30, maxLength: 50 }), async (operations) => {
      const run = new Run()
      run.spool = await openSpool(run.settings)
      for (const each of operations) {
        await run.apply(each)
        expect((await run.spool.usage()).bytes).toBeLessThanOrEqual(run.settings.maxBytes)
      }
      const rows = await journal.readAfter(run.spool, 0)
      expect(rows.map(({ id, bytes }) => [id, bytes.length])).toEqual(run.model)
      expect(rows.every(({ id, bytes }) => bytes.every((byte) => byte === id % 256))).toBe(true)
      await run.spool.close()
      refused += run.refused
    }),
    { numRuns: 6 },
  )
  expect(refused).toBeGreaterThan(0)
})
