import type { Severity } from '@millrace/contracts'
import { definePlugin } from '@millrace/pipeline'
import type { Channel, Notice } from '../types.ts'
import { itemText, titleOf, unlistedText, worstOf } from '../wording.ts'
import { chatChannel, chatSettings } from './chat.ts'

const colors: Record<Severity, string> = { info: 'accent', warning: 'warning', critical: 'attention' }

/** A line in which nothing is markup, which it would be in a TextBlock. */
function line(text: string, style: Record<string, unknown> = {}) {
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text, ...style }] }
}

/** The message of a Workflows webhook: one Adaptive Card. */
export function teamsBody(notice: Notice): string {
  const rest = unlistedText(notice)
  const over = notice.items.every(({ alert }) => alert.state !== 'active')
  const color = over ? 'good' : colors[worstOf(notice)]
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    body: [
      line(titleOf(notice), { weight: 'bolder', size: 'medium', color }),
      ...notice.items.map((item) => line(itemText(item))),
      ...(rest ? [line(rest)] : []),
      line(`${notice.evaluator} · ${notice.key}`, { isSubtle: true, size: 'small' }),
    ],
  }
  const contentType = 'application/vnd.microsoft.card.adaptive'
  return JSON.stringify({ type: 'message', attachments: [{ contentType, contentUrl: null, content: card }] })
}

/** A webhook made with Workflows in Microsoft Teams. */
export const teamsChannel = definePlugin({
  type: 'teams',
  settings: chatSettings,
  create: (settings): Channel => chatChannel({ ...settings, place: 'Teams', bodyOf: teamsBody }),
})
