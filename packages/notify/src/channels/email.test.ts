import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger, UsageError } from '@millrace/pipeline'
import { afterEach, describe, expect, it } from 'vitest'
import { Authority } from '../../../transports/testing/certificates.ts'
import { alertOf, cleared } from '../../testing/alerts.ts'
import { noticeOf } from '../../testing/notices.ts'
import { SmtpFarSide } from '../../testing/smtp-far-side.ts'
import { type Channel, NotDeliveredError } from '../types.ts'
import { channels } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'notify-email-'))
const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const login = { user: 'mill', password: 'pass-word' }

function passwordFile(password = login.password): string {
  const file = join(mkdtempSync(join(tmpdir(), 'notify-email-')), 'password')
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  cleanups.push(() => rmSync(join(file, '..'), { recursive: true }))
  return file
}

async function channelOf(settings: Record<string, unknown>): Promise<Channel> {
  const people = { from: 'mill@example.org', to: 'ops@example.org' }
  const parsed = channels.schema.parse({ type: 'email', name: 'ops', host: '127.0.0.1', ...people, ...settings })
  const stateAgain = () => undefined
  return await channels.create(parsed, { name: 'ops', evaluator: 'ingest', log: silentLogger, stateAgain })
}

async function serverOf(options?: ConstructorParameters<typeof SmtpFarSide>[1]): Promise<SmtpFarSide> {
  const server = new SmtpFarSide(login, options)
  await server.up()
  cleanups.push(() => server.close())
  return server
}

const signal = new AbortController().signal
const headerOf = (text: string, name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(text)?.[1]?.trim()

describe('e-mail', () => {
  it('keeps all about one alert in one thread, each message with the id of its notice', async () => {
    const server = await serverOf()
    const channel = await channelOf({ port: server.port, tls: 'none', user: 'mill', passwordFile: passwordFile() })
    const alert = alertOf()
    await channel.send(noticeOf('k.ops.1', [alert]), signal)
    await channel.send(noticeOf('k.ops.2', [cleared(alert)]), signal)
    await channel.send(noticeOf('k.ops.3', [alertOf({ device: 'other' })]), signal)
    const [raised, over, other] = server.received.map(({ text }) => text)
    expect(headerOf(raised!, 'Message-ID')).toBe('<k.ops.1@example.org>')
    expect(headerOf(over!, 'References')).toBe(headerOf(raised!, 'References'))
    expect(headerOf(other!, 'References')).not.toBe(headerOf(raised!, 'References'))
    expect(headerOf(raised!, 'Auto-Submitted')).toBe('auto-generated')
    expect(raised).toContain('text/plain')
    expect(raised).toContain('text/html')
  })

  it('keeps a notice where the login is refused, and delivers once the password was replaced', async () => {
    const server = await serverOf()
    const file = passwordFile('wrong-word')
    const channel = await channelOf({ port: server.port, tls: 'none', user: 'mill', passwordFile: file })
    const error = await channel.send(noticeOf('k.ops.1'), signal).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(NotDeliveredError)
    expect(String(error)).toContain('535')
    expect(String(error)).not.toContain('wrong-word')
    writeFileSync(file, `${login.password}\n`, { mode: 0o600 })
    await channel.send(noticeOf('k.ops.1'), signal)
    expect(server.received).toHaveLength(1)
  })

  it('speaks TLS with a server whose authority it was given, and with no other', async () => {
    const authority = new Authority(folder, 'mail')
    const files = authority.issue('localhost')
    cleanups.push(() => rmSync(folder, { recursive: true }))
    const pair = { cert: readFileSync(files.cert), key: readFileSync(files.key) }
    for (const tls of ['starttls', 'implicit'] as const) {
      const server = await serverOf({ ...pair, secure: tls === 'implicit' })
      const settings = { port: server.port, tls, user: 'mill', passwordFile: passwordFile() }
      await (await channelOf({ ...settings, ca: authority.file })).send(noticeOf('k.ops.1'), signal)
      expect(server.received).toHaveLength(1)
      const stranger = await channelOf(settings)
      await expect(stranger.send(noticeOf('k.ops.2'), signal)).rejects.toBeInstanceOf(NotDeliveredError)
    }
  })

  it('sends nothing in the clear to a server without STARTTLS, unless told to', async () => {
    const server = await serverOf()
    const channel = await channelOf({ port: server.port, user: 'mill', passwordFile: passwordFile() })
    await expect(channel.send(noticeOf('k.ops.1'), signal)).rejects.toBeInstanceOf(NotDeliveredError)
    expect(server.received).toHaveLength(0)
  })

  it('refuses at start a password in the clear to another machine, and half a login', async () => {
    const file = passwordFile()
    await expect(
      channelOf({ host: 'mail.example.org', tls: 'none', user: 'x', passwordFile: file }),
    ).rejects.toBeInstanceOf(UsageError)
    await expect(channelOf({ user: 'x' })).rejects.toBeInstanceOf(UsageError)
  })
})
