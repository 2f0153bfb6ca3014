import { readSecret, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { channelSettings } from '../settings.ts'
import type { Channel, Notice } from '../types.ts'
import { post } from './post.ts'

/** Settings of a chat whose webhook URL is all that protects it, so that it is kept in a file. */
export const chatSettings = channelSettings.extend({
  /** File with the URL in its first line. */
  urlFile: z.string().min(1),
})

/** Throws a UsageError where the file has no URL; its content is in no message. */
function readWebhookUrl(file: string, setting: string): string {
  const url = readSecret(file, setting)
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  const problem = { path: setting, found: 'no http or https URL', expected: 'the webhook URL in the first line' }
  throw new UsageError(`the secret file ${file} cannot be used`, [problem], { code: 'secret-unreadable' })
}

/** Every piece of the URL that an answer could repeat. */
function secretsOf(url: string): string[] {
  const { pathname, search, searchParams } = new URL(url)
  return [url, pathname, search, ...searchParams.values(), ...search.slice(1).split(/[&=]/), ...pathname.split('/')]
}

interface Chat {
  name: string
  urlFile: string
  /** For people, in errors. */
  place: string
  bodyOf(notice: Notice): string
}

/** Posts each notice to the chat's webhook; the file is read anew each time, so that a changed URL holds at once. */
export function chatChannel({ name, urlFile, place, bodyOf }: Chat): Channel {
  const read = () => readWebhookUrl(urlFile, `notify.channels.${name}.urlFile`)
  read()
  return {
    tells: 'notices',
    async send(notice, signal) {
      const url = read()
      const headers = { 'content-type': 'application/json; charset=utf-8', 'idempotency-key': notice.key }
      const secrets = secretsOf(url)
      await post({ url, place: `${place} (${urlFile})`, headers, body: bodyOf(notice), secrets, signal })
    },
    close: () => Promise.resolve(),
  }
}
