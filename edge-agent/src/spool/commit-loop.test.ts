import { type Delivery, SpoolFullError } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import type { JournalEntry } from '@millrace/windows'
import { describe, expect, it } from 'vitest'
import type { CommitRecord } from '../checkpoint.ts'
import { CommitLoop } from './commit-loop.ts'

const start: JournalEntry = { kind: 'start', epoch: 'e' }

/** A loop whose commits end when the test says so; everything that happens is in `log`. */
function fixture(ready: () => boolean = () => true) {
  const log: string[] = []
  const commits: { record: CommitRecord; reserve: boolean; settle: PromiseWithResolvers<void> }[] = []
  let decoded: string[] = []
  let id = 0
  const loop = new CommitLoop({
    commitMs: 0,
    intake: {
      decode: ({ topic }) => decoded.push(topic),
      take: () => {
        log.push(`take ${decoded.join(' ')}`)
        decoded = []
        return { entry: start, setAside: [] }
      },
    },
    names: { takeNew: () => [], giveBack: () => log.push('names back') },
    commit: async (record, reserve = false) => {
      const settle = Promise.withResolvers<void>()
      commits.push({ record, reserve, settle })
      await settle.promise
      log.push('on disk')
      return record.entries.map((entry) => ({ id: ++id, entry, bytes: 1 }))
    },
    apply: (entry) => log.push(`apply ${entry.id}`),
    ready,
    onFull: () => log.push('full'),
    onFailure: (error) => log.push(`failed ${String(error)}`),
  })
  const receive = (topic: string) => {
    const delivery: Delivery = {
      messages: [{ topic, body: new Uint8Array() }],
      arrivals: Float64Array.of(1),
      ack: () => log.push(`ack ${topic}`),
      refuse: () => log.push(`refuse ${topic}`),
    }
    loop.receive(delivery)
  }
  const begun = (count: number) => until(() => commits.length === count, { withinMs: 2_000 })
  const logged = (line: string) => until(() => log.includes(line), { withinMs: 2_000 })
  return { loop, log, commits, receive, begun, logged }
}

describe('the commit loop', () => {
  it('acknowledges after the commit and applies after that; what comes meanwhile is the next group', async () => {
    const { log, commits, receive, begun, logged } = fixture()
    receive('a')
    receive('b')
    await begun(1)
    receive('c')
    expect(log).toEqual(['take a b'])
    commits[0]!.settle.resolve()
    await begun(2)
    expect(log).toEqual(['take a b', 'on disk', 'ack a', 'ack b', 'apply 1', 'take c'])
    commits[1]!.settle.resolve()
    await logged('apply 2')
    expect(log.at(-2)).toBe('ack c')
  })

  it('refuses a group that found no room, with all that was decoded since, and acknowledges none of it', async () => {
    const { loop, log, commits, receive, begun, logged } = fixture()
    receive('a')
    await begun(1)
    receive('b')
    commits[0]!.settle.reject(new SpoolFullError('full'))
    await logged('full')
    receive('c')
    expect(log).toEqual(['take a', 'names back', 'refuse a', 'take b', 'refuse b', 'full', 'refuse c'])
    loop.resume()
    receive('d')
    await begun(2)
    commits[1]!.settle.resolve()
    await logged('ack d')
  })

  it('journals the own entries of the agent first, also into a full spool', async () => {
    const { loop, commits, receive, begun } = fixture()
    receive('a')
    loop.append(start)
    await begun(1)
    expect(commits[0]).toMatchObject({ reserve: true, record: { entries: [start] } })
    commits[0]!.settle.resolve()
    await begun(2)
    expect(commits[1]!.reserve).toBe(false)
    commits[1]!.settle.resolve()
  })

  it('tells who gives messages up that it failed, and waits where there is only no room', async () => {
    const { loop, log, commits, begun, logged } = fixture()
    let settled = 'no'
    const given = loop.appendWith(start, []).then(
      () => (settled = 'done'),
      (error: unknown) => (settled = String(error)),
    )
    await begun(1)
    commits[0]!.settle.reject(new SpoolFullError('full'))
    await logged('full')
    expect(settled).toBe('no')
    await begun(2)
    commits[1]!.settle.reject(new Error('the disk failed'))
    await given
    expect(settled).toBe('Error: the disk failed')
    expect(log.at(-1)).toBe('failed Error: the disk failed')
    loop.append(start)
    await begun(3)
    expect(commits[2]!.record.entries).toEqual([start])
    commits[2]!.settle.resolve()
    await logged('apply 1')
  })

  it('acknowledges nothing while the windows cannot take more', async () => {
    let asked = 0
    const { commits, receive, begun, logged } = fixture(() => {
      asked++
      expect(commits).toEqual([])
      return asked > 3
    })
    receive('a')
    await begun(1)
    commits[0]!.settle.resolve()
    await logged('ack a')
  })

  it('ends with everything received acknowledged, and takes no more', async () => {
    const { loop, log, commits, receive, begun } = fixture()
    receive('a')
    const closed = loop.close()
    await begun(1)
    receive('b')
    commits[0]!.settle.resolve()
    await closed
    expect(log).toEqual(['take a', 'on disk', 'ack a', 'apply 1'])
  })
})
