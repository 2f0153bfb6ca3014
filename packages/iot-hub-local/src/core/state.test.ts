import { manualClock } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { atEnd, newHubFolder } from '../../testing/index.ts'
import type { NewCommand } from '../types.ts'
import { type CoreOptions, openCore } from './open-core.ts'

const startMs = Date.UTC(2026, 10, 20)

async function open(options: Partial<CoreOptions> = {}) {
  const clock = manualClock(startMs)
  const core = await openCore({ dataDir: newHubFolder(), clock, ...options })
  atEnd(() => core.close())
  return { core, clock }
}

const command = (text: string, rest: Partial<NewCommand> = {}): NewCommand => ({
  body: Buffer.from(text),
  properties: {},
  message: {},
  feedback: 'none',
  ...rest,
})

describe('the registry', () => {
  it('makes keys and a generation, refuses doubles, bad names, bad keys and stale etags, and is there after a restart', async () => {
    const dataDir = newHubFolder()
    const { core } = await open({ dataDir })
    const made = await core.registry.create({ deviceId: 'pi-01' })
    const again = { deviceId: 'pi-01' }
    await expect(core.registry.create(again)).rejects.toMatchObject({ status: 409 })
    await expect(core.registry.create({ deviceId: 'a/b' })).rejects.toMatchObject({ status: 400 })
    const symmetricKey = { primaryKey: 'short', secondaryKey: '' }
    const authentication = { type: 'sas', symmetricKey } as const
    await expect(core.registry.create({ deviceId: 'x', authentication })).rejects.toMatchObject({ status: 400 })
    await expect(core.registry.update(again, 'stale')).rejects.toMatchObject({ status: 412 })
    await expect(core.registry.update({ deviceId: 'nobody' })).rejects.toMatchObject({ status: 404 })
    const disabled = await core.registry.update({ ...again, status: 'disabled' }, made.etag)
    expect(disabled).toMatchObject({ generationId: made.generationId, status: 'disabled' })
    const { policies, certificate } = core
    await core.close()

    const { core: next } = await open({ dataDir })
    expect(next.registry.list()).toEqual([disabled])
    expect(next.policies).toEqual(policies)
    expect(next.certificate).toEqual(certificate)
    await next.registry.remove('pi-01', '*')
    const reborn = await next.registry.create(again)
    expect(reborn.generationId).not.toBe(made.generationId)
  })

  it('takes thumbprints as people paste them', async () => {
    const { core } = await open()
    const pasted = Array.from({ length: 20 }, () => 'ab').join(':')
    const x509Thumbprint = { primaryThumbprint: pasted, secondaryThumbprint: '' }
    const made = await core.registry.create({ deviceId: 'x', authentication: { type: 'selfSigned', x509Thumbprint } })
    expect(made.authentication).toMatchObject({ x509Thumbprint: { primaryThumbprint: 'AB'.repeat(20) } })
  })
})

describe('twins', () => {
  it('have versions and etags that count every change, also over a restart; a removed device leaves none', async () => {
    const dataDir = newHubFolder()
    const { core } = await open({ dataDir })
    await core.registry.create({ deviceId: 'pi-01' })
    const first = core.twins.get('pi-01')!
    const changed = await core.twins.patch('pi-01', { tags: { room: 'cold-1' }, desired: { a: { b: 1 } } }, first.etag)
    expect(changed).toMatchObject({ tags: { room: 'cold-1' }, desired: { version: 2 }, reported: { version: 1 } })
    await expect(core.twins.patch('pi-01', { tags: {} }, first.etag)).rejects.toMatchObject({ status: 412 })
    expect(await core.twins.report('pi-01', { a: 1 })).toBe(2)
    await expect(core.twins.report('pi-01', ['not', 'an', 'object'])).rejects.toMatchObject({ status: 400 })
    const replaced = await core.twins.replace('pi-01', { desired: { c: 2, $version: 9, $metadata: {} } })
    expect([replaced.desired.values, replaced.desired.version, replaced.tags]).toEqual([{ c: 2 }, 3, {}])
    expect(replaced.desired.metadata).not.toHaveProperty('a')
    await core.close()

    const { core: next } = await open({ dataDir })
    expect(next.twins.get('pi-01')).toEqual(replaced)
    await next.registry.remove('pi-01')
    expect(next.twins.get('pi-01')).toBeUndefined()
    await next.registry.create({ deviceId: 'pi-01' })
    expect(next.twins.get('pi-01')!.desired).toMatchObject({ values: {}, version: 1 })
  })

  it('that are refused stay as they were', async () => {
    const { core } = await open()
    await core.registry.create({ deviceId: 'pi-01' })
    const before = structuredClone(core.twins.get('pi-01'))
    const tags = { text: 'x'.repeat(4000), more: { text: 'x'.repeat(4000), last: 'x'.repeat(400) } }
    await expect(core.twins.patch('pi-01', { tags, desired: { a: 1 } })).rejects.toMatchObject({ status: 413 })
    await expect(core.twins.patch('pi-01', { desired: 'text' })).rejects.toMatchObject({ status: 400 })
    expect(core.twins.get('pi-01')).toEqual(before)
  })
})

describe('messages for a device that is away', () => {
  it('wait on disk, fifty at most, until they expire; who asked hears what became of them', async () => {
    const dataDir = newHubFolder()
    const { core } = await open({ dataDir })
    await core.registry.create({ deviceId: 'pi-01' })
    const soon = { message_id: 'soon', absolute_expiry_time: startMs + 1000 }
    await core.commands.send('pi-01', command('soon', { message: soon, feedback: 'negative' }))
    for (let at = 1; at < 50; at++) await core.commands.send('pi-01', command(String(at)))
    await expect(core.commands.send('pi-01', command('51'))).rejects.toMatchObject({ code: 403004 })
    await expect(core.commands.send('nobody', command('x'))).rejects.toMatchObject({ status: 404 })
    const large = command('x'.repeat(65_537))
    await expect(core.commands.send('pi-01', large)).rejects.toMatchObject({ status: 413 })
    await core.close()

    const { core: next, clock } = await open({ dataDir })
    expect(next.commands.waiting('pi-01')).toBe(50)
    clock.advance(1000)
    await next.commands.send('pi-01', command('51', { message: { message_id: '51' }, feedback: 'full' }))
    expect((await next.commands.queued('pi-01')).map(({ body }) => Buffer.from(body).toString()).at(-1)).toBe('51')
    expect(await next.commands.feedback(10)).toMatchObject([{ originalMessageId: 'soon', outcome: 'Expired' }])
    let told = 0
    next.commands.onFeedback(() => told++)
    expect(await next.commands.purge('pi-01')).toBe(50)
    const feedback = await next.commands.feedback(10)
    expect([told, feedback.map(({ outcome }) => outcome)]).toEqual([1, ['Expired', 'Purged']])
    await next.commands.settle(feedback[0]!.id)
    expect(await next.commands.feedback(10)).toHaveLength(1)
  })

  it('that are given ten times and never taken are given up', async () => {
    const { core } = await open()
    await core.registry.create({ deviceId: 'pi-01' })
    await core.commands.send('pi-01', command('poison', { feedback: 'negative' }))
    for (let at = 0; at < 10; at++) {
      const [queued] = await core.commands.queued('pi-01')
      await core.commands.delivering(queued!)
    }
    expect(await core.commands.queued('pi-01')).toEqual([])
    expect(await core.commands.feedback(1)).toMatchObject([{ outcome: 'DeliveryCountExceeded' }])
  })
})

it('a number of partitions that no hub has is a usage error', async () => {
  await expect(openCore({ dataDir: newHubFolder(), partitions: 9 })).rejects.toMatchObject({ code: 'usage' })
})
