import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RejectedError, silentLogger, UsageError } from '@millrace/pipeline'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { alertOf } from '../../testing/alerts.ts'
import { HttpFarSide } from '../../testing/http-far-side.ts'
import { noticeOf } from '../../testing/notices.ts'
import { type Channel, NotDeliveredError } from '../types.ts'
import { channels } from './index.ts'
import { retryAfterMs } from './post.ts'
import { slackBody } from './slack.ts'
import { teamsBody } from './teams.ts'

const folder = mkdtempSync(join(tmpdir(), 'notify-webhook-'))
const far = new HttpFarSide()
afterEach(() => far.down())
afterAll(() => rmSync(folder, { recursive: true }))

const secretFile = join(folder, 'secret')
writeFileSync(secretFile, 'first\n', { mode: 0o600 })

async function channelOf(settings: Record<string, unknown> = {}): Promise<Channel> {
  await far.up()
  const url = `http://127.0.0.1:${far.port}/hook?x=1`
  const parsed = channels.schema.parse({ type: 'webhook', name: 'ops', url, ...settings })
  const stateAgain = () => undefined
  return await channels.create(parsed, { name: 'ops', evaluator: 'ingest', log: silentLogger, stateAgain })
}

const signal = new AbortController().signal

describe('the webhook', () => {
  it('signs time and body with the secret of the moment', async () => {
    const channel = await channelOf({ secretFile })
    await channel.send(noticeOf('k.ops.1'), signal)
    writeFileSync(secretFile, 'second\n', { mode: 0o600 })
    await channel.send(noticeOf('k.ops.2'), signal)
    for (const [index, secret] of ['first', 'second'].entries()) {
      const { text, headers } = far.received[index]!
      const [, at, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['millrace-signature']))!
      expect(hex).toBe(createHmac('sha256', secret).update(`${at}.${text}`).digest('hex'))
      expect(Math.abs(Number(at) - Date.now() / 1_000)).toBeLessThan(600)
      expect(headers['idempotency-key']).toBe(`k.ops.${index + 1}`)
    }
  })

  it('posts what a program needs to act', async () => {
    far.received.length = 0
    const alert = alertOf({ labels: { team: 'kitchen' } })
    await (await channelOf()).send(noticeOf('k.ops.1', [alert]), signal)
    expect(far.received[0]!.path).toBe('/hook?x=1')
    expect(JSON.parse(far.received[0]!.text)).toEqual({
      v: 1,
      key: 'k.ops.1',
      channel: 'ops',
      evaluator: 'ingest',
      at: noticeOf('').atMs,
      title: '[warning] raised: d temperature is 9.5 Cel, above 8',
      counts: { raised: 1 },
      items: [{ key: `${alert.id}#0`, kind: 'raised', alert, thread: alert.id, replaces: null }],
      unlisted: 0,
      afterQuiet: false,
    })
  })

  it.each([400, 406, 413, 415, 422])('is refused for good by %i', async (status) => {
    const channel = await channelOf()
    far.behave('refuses')
    far.status = status
    await expect(channel.send(noticeOf('k'), signal)).rejects.toBeInstanceOf(RejectedError)
  })

  it.each([401, 403, 404, 405, 410, 301, 308])('holds the notice on %i, which is not about it', async (status) => {
    const channel = await channelOf()
    far.behave('refuses')
    far.status = status
    await expect(channel.send(noticeOf('k'), signal)).rejects.toBeInstanceOf(NotDeliveredError)
  })

  it.each([408, 425, 429, 500, 502, 503])('comes again after %i, when it was asked to', async (status) => {
    const channel = await channelOf()
    far.behave('is busy')
    Object.assign(far, { status, retryAfter: '7' })
    const error = await channel.send(noticeOf('k'), signal).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(NotDeliveredError)
    expect((error as NotDeliveredError).retryAfterMs).toBe(7_000)
  })

  it('reads Retry-After as seconds or as a date', () => {
    const now = Date.parse('2026-03-02T12:00:00Z')
    const headers = ['90', 'Mon, 02 Mar 2026 12:01:00 GMT', 'Mon, 02 Mar 2026 11:00:00 GMT', 'soon', null]
    expect(headers.map((header) => retryAfterMs(header, now))).toEqual([90_000, 60_000, 0, 0, 0])
  })

  it('refuses at start a URL with a password, and a secret that others can read', async () => {
    const url = 'https://user:pass@example.org'
    expect(channels.schema.safeParse({ type: 'webhook', name: 'ops', url }).success).toBe(false)
    const open = join(folder, 'open')
    writeFileSync(open, 'x\n', { mode: 0o644 })
    await expect(channelOf({ secretFile: open })).rejects.toBeInstanceOf(UsageError)
  })
})

describe('chats', () => {
  const hostile = noticeOf('k.ops.1', [alertOf({ message: '<!channel> & [a](http://x)' }), alertOf({ device: 'e' })])

  it('Slack: no mention and no link comes out of an alert', () => {
    const body = slackBody({ ...hostile, unlisted: 4 })
    expect(body).not.toContain('<')
    const { text, blocks } = JSON.parse(body) as { text: string; blocks: { type: string; text?: { text: string } }[] }
    expect(text).toBe('[warning] 2 raised')
    expect(blocks.map(({ type }) => type)).toEqual(['section', 'section', 'section', 'context'])
    expect(blocks[1]!.text!.text).toContain('&lt;!channel&gt; &amp; [a](http://x)')
    expect(JSON.stringify(blocks[3])).toContain('and 4 more')
  })

  it('Teams: one Adaptive Card in which nothing is markup', () => {
    const { type, attachments } = JSON.parse(teamsBody(hostile)) as { type: string; attachments: { content: object }[] }
    expect(type).toBe('message')
    expect(attachments).toHaveLength(1)
    expect(JSON.stringify(attachments[0]!.content)).not.toContain('"TextBlock"')
    expect(attachments[0]).toMatchObject({
      contentType: 'application/vnd.microsoft.card.adaptive',
      content: { type: 'AdaptiveCard', version: '1.4' },
    })
  })
})
