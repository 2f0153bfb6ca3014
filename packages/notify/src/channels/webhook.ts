import { createHmac } from 'node:crypto'
import { definePlugin, hasNoCredentials, readSecret } from '@millrace/pipeline'
import { z } from 'zod'
import { channelSettings } from '../settings.ts'
import type { Channel, ChannelContext, Notice } from '../types.ts'
import { titleOf } from '../wording.ts'
import { post } from './post.ts'

/** What a webhook is posted; `v` counts incompatible changes. */
export function webhookBody({ atMs, ...notice }: Notice): string {
  return JSON.stringify({ v: 1, ...notice, at: atMs, title: titleOf({ atMs, ...notice }) })
}

/** `t=<epoch seconds>,v1=<hex>`: HMAC-SHA256 over `<t>.<body>`, as `Millrace-Signature`. */
export function signatureOf(body: string, secret: string, atS: number): string {
  return `t=${atS},v1=${createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex')}`
}

/** Posts each notice as JSON to a URL of the user's. Secrets are read anew for each try, so they can be replaced. */
export const webhookChannel = definePlugin({
  type: 'webhook',
  settings: channelSettings.extend({
    url: z
      .url({ protocol: /^https?$/, hostname: /.+/ })
      .refine(hasNoCredentials, 'a URL without name and password; use tokenFile'),
    /** Signs every body. */
    secretFile: z.string().min(1).optional(),
    /** Sent as `Authorization: Bearer`. */
    tokenFile: z.string().min(1).optional(),
  }),
  create({ url, name, secretFile, tokenFile }, _context: ChannelContext): Channel {
    const secretOf = (file: string | undefined, setting: string) =>
      file === undefined ? undefined : readSecret(file, `notify.channels.${name}.${setting}`)
    const secrets = () => ({ secret: secretOf(secretFile, 'secretFile'), token: secretOf(tokenFile, 'tokenFile') })
    secrets()
    const { origin, pathname } = new URL(url)
    return {
      tells: 'notices',
      async send(notice, signal) {
        const { secret, token } = secrets()
        const body = webhookBody(notice)
        const headers: Record<string, string> = {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'millrace',
          'idempotency-key': notice.key,
        }
        if (secret !== undefined)
          headers['millrace-signature'] = signatureOf(body, secret, Math.floor(Date.now() / 1_000))
        if (token !== undefined) headers.authorization = `Bearer ${token}`
        const hidden = [secret ?? '', token ?? '']
        await post({ url, place: origin + pathname, headers, body, secrets: hidden, signal })
      },
      close: () => Promise.resolve(),
    }
  },
})
