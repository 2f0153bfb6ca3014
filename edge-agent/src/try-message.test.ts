import { expect, it } from 'vitest'
import { everyFormat, tryMessage } from './try-message.ts'

const tryOne = (topic: string, body: string | Uint8Array, retain = false) =>
  tryMessage({ topic, body: Buffer.from(body), qos: 1, retain }, everyFormat)

it("a message in the contract's form is told metric by metric", async () => {
  const tried = await tryOne('telemetry/lab/x1', '{"ts":1e9,"readings":{"a":1,"b":"x","c d":2}}')
  expect(tried.matched).toEqual({ decoder: 'json', rule: 'telemetry/{site}/{device}' })
  expect(tried.readings).toMatchObject([{ site: 'lab', device: 'x1', metric: 'a', value: 1 }])
  expect(tried.setAside).toMatchObject([
    { what: 'b', reason: 'bad-value', count: 1, why: expect.stringContaining('number') },
    { what: 'c d', reason: 'bad-name', count: 1, why: expect.stringContaining('1 to 64') },
  ])
})

it('the object of an array that is set aside is named', async () => {
  const { readings, setAside } = await tryOne(
    'telemetry/lab/x1',
    '[{"readings":{"a":1}},{"ts":"soon","readings":{"a":1,"b":2}}]',
  )
  expect(readings).toHaveLength(1)
  expect(setAside).toMatchObject([{ what: 'object 1', reason: 'bad-time', count: 2 }])
})

it('bytes that nothing can be made of, bad topics and old values say so', async () => {
  const binary = await tryOne('telemetry/lab/x1', Buffer.from([0xff, 0xfe, 0]))
  expect([binary.matched?.decoder, binary.setAside]).toMatchObject(['json', [{ reason: 'bad-utf8' }]])
  const unnamed = await tryOne('telemetry/lab/x 1', '1')
  expect([unnamed.matched?.decoder, unnamed.setAside]).toMatchObject(['json', [{ reason: 'bad-name' }]])
  const unknown = await tryOne('$SYS/broker/uptime', '1')
  expect([unknown.matched, unknown.setAside]).toMatchObject([null, [{ reason: 'bad-topic' }]])
  const kept = await tryOne('telemetry/lab/x1/a', '1', true)
  expect([kept.readings, kept.setAside, kept.left]).toMatchObject([[], [], [{ what: 'the message' }]])
})
