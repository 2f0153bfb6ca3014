import { createHash } from 'node:crypto'
import type { Notice } from '../types.ts'
import { itemText, titleOf, unlistedText } from '../wording.ts'

export interface Mail {
  subject: string
  text: string
  html: string
  messageId: string
  references: string[]
  inReplyTo?: string
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** An alert's conversation: a message that was never sent, which all about the alert refer to. */
function threadId(thread: string, domain: string): string {
  return `<${createHash('sha256').update(thread).digest('hex').slice(0, 32)}@${domain}>`
}

/** A notice as an e-mail; `domain` is the sender's. */
export function mailOf(notice: Notice, domain: string): Mail {
  const lines = notice.items.map(itemText)
  const rest = unlistedText(notice)
  const foot = `Told by ${notice.evaluator} to ${notice.channel}; notice ${notice.key}.`
  const references = [...new Set(notice.items.map(({ thread }) => threadId(thread, domain)))]
  const rows = lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')
  const title = titleOf(notice)
  return {
    subject: title.length > 200 ? `${title.slice(0, 197)}...` : title,
    text: [title, '', ...lines.map((line) => `- ${line}`), ...(rest ? [rest] : []), '', foot, ''].join('\n'),
    html: `<h3>${escapeHtml(title)}</h3><ul>${rows}</ul>${rest ? `<p>${rest}</p>` : ''}<p><small>${escapeHtml(foot)}</small></p>`,
    messageId: `<${notice.key}@${domain}>`,
    references,
    ...(references.length > 0 && { inReplyTo: references[0]! }),
  }
}
