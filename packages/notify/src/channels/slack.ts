import { definePlugin } from '@millrace/pipeline'
import type { Channel, Notice } from '../types.ts'
import { itemText, severityMark, titleOf, unlistedText } from '../wording.ts'
import { chatChannel, chatSettings } from './chat.ts'

/** Characters that Slack would read as mentions and links. */
export function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

const maxSectionText = 2_900

/** Text of Slack's own kind; `verbatim` keeps it from making links of names. */
function mrkdwn(text: string): { type: string; text: string; verbatim: boolean } {
  return {
    type: 'mrkdwn',
    text: text.length > maxSectionText ? `${text.slice(0, maxSectionText)}...` : text,
    verbatim: true,
  }
}

/** The shape of an incoming webhook: `text` for notifications, `blocks` for the channel. */
export function slackBody(notice: Notice): string {
  const title = escapeSlack(titleOf(notice))
  const items = notice.items.map((item) =>
    mrkdwn(`${severityMark(item.alert.severity)} ${escapeSlack(itemText(item))}`),
  )
  const rest = unlistedText(notice)
  const footer = escapeSlack(`${rest ? `${rest} · ` : ''}${notice.evaluator} · ${notice.key}`)
  return JSON.stringify({
    text: title,
    blocks: [
      { type: 'section', text: mrkdwn(`*${title}*`) },
      ...items.map((text) => ({ type: 'section', text })),
      { type: 'context', elements: [mrkdwn(footer)] },
    ],
  })
}

/** An incoming webhook of Slack, or of what understands its shape. */
export const slackChannel = definePlugin({
  type: 'slack',
  settings: chatSettings,
  create: (settings): Channel => chatChannel({ ...settings, place: 'Slack', bodyOf: slackBody }),
})
