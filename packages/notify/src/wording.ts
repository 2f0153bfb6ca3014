import { severities } from '@millrace/contracts'
import { type Notice, type NoticeKind, noticeKinds } from './types.ts'

const words: Record<NoticeKind, string> = {
  raised: 'raised',
  moved: 'with another start',
  reminder: 'still active',
  passed: 'raised and over',
  cleared: 'cleared',
  withdrawn: 'withdrawn',
}

export function kindText(kind: NoticeKind): string {
  return words[kind]
}

/** `2 raised, 1 cleared` */
export function countsText({ counts }: Pick<Notice, 'counts'>): string {
  return noticeKinds
    .filter((kind) => (counts[kind] ?? 0) > 0)
    .map((kind) => `${counts[kind]} ${words[kind]}`)
    .join(', ')
}

/** One line that says what a notice is about. */
export function titleOf(notice: Notice): string {
  const [first] = notice.items
  const quiet = notice.afterQuiet ? 'After the quiet hours: ' : ''
  if (!first) return `${quiet}${countsText(notice)}`
  const worst = notice.items.reduce((rank, { alert }) => Math.max(rank, severities.indexOf(alert.severity)), 0)
  if (notice.items.length === 1 && notice.unlisted === 0) {
    return `${quiet}[${severities[worst]}] ${words[first.kind]}: ${first.alert.message}`
  }
  return `${quiet}[${severities[worst]}] ${countsText(notice)}`
}
