import { readFileSync } from 'node:fs'
import { definePlugin, hideSecrets, isLoopback, RejectedError, readSecret, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { channelSettings } from '../settings.ts'
import { type Channel, type ChannelContext, NotDeliveredError } from '../types.ts'
import { mailOf } from './mail.ts'
import { isBeforeSending } from './post.ts'

const address = z.string().regex(/^[^\r\n,;]*[^\s@<>,;]+@[A-Za-z0-9.-]+>?$/, 'an address such as millrace@example.org')

const settings = channelSettings.extend({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535).optional(),
  /** `starttls` demands it (port 587); `implicit` begins with it (port 465); `none` sends in the clear (port 25). */
  tls: z.enum(['starttls', 'implicit', 'none']).default('starttls'),
  /** PEM file of the authority to trust instead of the system's. */
  ca: z.string().min(1).optional(),
  user: z.string().min(1).optional(),
  passwordFile: z.string().min(1).optional(),
  from: address,
  to: z.union([address, z.array(address).min(1)]),
})
type EmailSettings = z.output<typeof settings>

const ports = { starttls: 587, implicit: 465, none: 25 }

function checkTogether({ name, user, passwordFile, tls, host }: EmailSettings): void {
  const path = `notify.channels.${name}`
  const half = (user === undefined) !== (passwordFile === undefined)
  const open = user !== undefined && tls === 'none' && !isLoopback(host)
  const problems = [
    ...(half ? [{ path, found: 'one of user and passwordFile', expected: 'both, or neither' }] : []),
    ...(open ? [{ path: `${path}.tls`, found: 'none, with a password', expected: 'starttls or implicit' }] : []),
  ]
  if (problems.length > 0) throw new UsageError('the e-mail settings do not fit together', problems)
}

function readCa(file: string, path: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    const problem = { path, found: file, expected: 'a readable PEM file' }
    throw new UsageError(`cannot read ${file}`, [problem], { code: 'secret-unreadable', cause })
  }
}

/** What SMTP's answer means: 5xx to the message is for good, 5xx to a login is not, and where there is no answer it may have arrived. */
function failureOf(error: unknown, place: string, secrets: readonly string[]): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const {
    code,
    command = '',
    responseCode,
    originalCode,
  } = error as NodeJS.ErrnoException & {
    command?: string
    responseCode?: number
    originalCode?: string
  }
  const message = hideSecrets(`${place}: ${error.message}`, secrets)
  const aboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE'
  if (responseCode !== undefined && responseCode >= 500 && aboutMessage) {
    return new RejectedError(message, new Map([[0, message]]))
  }
  const beforeMessage =
    code === 'EAUTH' || code === 'ETLS' || code === 'EDNS' || /^(CONN|EHLO|HELO|STARTTLS|AUTH)/.test(command)
  const refused = isBeforeSending(Object.assign(new Error(), { code: originalCode ?? code }))
  if (responseCode !== undefined || beforeMessage || refused) return new NotDeliveredError(message)
  return new Error(message)
}

/** SMTP. The Message-ID is made of the notice's key, and messages about one alert refer to one thread. */
export const emailChannel = definePlugin({
  type: 'email',
  settings,
  async create(chosen, { log }: ChannelContext): Promise<Channel> {
    checkTogether(chosen)
    const { name, host, tls, user, passwordFile, from, to, timeout } = chosen
    const port = chosen.port ?? ports[tls]
    const password = () =>
      passwordFile === undefined ? '' : readSecret(passwordFile, `notify.channels.${name}.passwordFile`)
    password()
    const ca = chosen.ca === undefined ? {} : { tls: { ca: readCa(chosen.ca, `notify.channels.${name}.ca`) } }
    const { createTransport } = await import('nodemailer')
    const domain = /@([A-Za-z0-9.-]+)>?$/.exec(from)![1]!
    const place = `the mail server ${host}:${port}`
    return {
      tells: 'notices',
      async send(notice, signal) {
        const pass = password()
        const transport = createTransport({
          host,
          port,
          secure: tls === 'implicit',
          requireTLS: tls === 'starttls',
          ignoreTLS: tls === 'none',
          ...ca,
          ...(user !== undefined && { auth: { user, pass } }),
          connectionTimeout: timeout,
          greetingTimeout: timeout,
          socketTimeout: timeout,
          disableFileAccess: true,
          disableUrlAccess: true,
        })
        const end = () => transport.close()
        signal.addEventListener('abort', end, { once: true })
        try {
          const headers = { 'Auto-Submitted': 'auto-generated' }
          const { rejected } = await transport.sendMail({ from, to, headers, ...mailOf(notice, domain) })
          if (rejected.length > 0) log.warn({ channel: name, rejected }, 'the mail server refused some recipients')
        } catch (error) {
          throw failureOf(error, place, [pass])
        } finally {
          signal.removeEventListener('abort', end)
          transport.close()
        }
      },
      close: () => Promise.resolve(),
    }
  },
})
