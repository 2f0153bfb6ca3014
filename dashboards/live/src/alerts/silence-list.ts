import type { Silence } from '@millrace/contracts'
import { formatSpan } from '../model/format.ts'
import { button, h } from '../view/dom.ts'
import type { AlertFeed } from './alert-feed.ts'
import { formatMoment } from './alert-words.ts'
import { messageOf } from './refusal.ts'

/** Ids of those that people made are UUIDs; the others stand in the config file of the ingest. */
const isRemovable = ({ id }: Silence) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)

/** "rule door-open, site harbour"; of an empty match "everything". */
export function describeMatch({ labels = {}, ...names }: Silence['match']): string {
  const parts = [...Object.entries(names), ...Object.entries(labels)].map(([name, value]) => `${name} ${value}`)
  return parts.length === 0 ? 'everything' : parts.join(', ')
}

export function describeSpan({ fromMs, untilMs }: Silence, now: number): string {
  if (fromMs > now) return `from ${formatMoment(fromMs, now)} to ${formatMoment(untilMs, now)}`
  return `until ${formatMoment(untilMs, now)}, ${formatSpan(Math.max(0, untilMs - now))} left`
}

/** Who keeps which notices back, for how long, and why; each can be ended. */
export class SilenceList {
  readonly root = h('section', { class: 'silences', 'aria-label': 'Silences' })
  private readonly feed: AlertFeed
  private readonly list = h('ul', {})
  private readonly problem = h('p', { class: 'problem', role: 'alert', hidden: true })
  private drawn = ''

  constructor(feed: AlertFeed) {
    this.feed = feed
    const meaning = 'Nobody is told of what they match. The alerts themselves are kept and shown.'
    this.root.append(h('h2', {}, 'Silences'), h('p', { class: 'lead' }, meaning), this.list, this.problem)
  }

  draw(now: number): void {
    const { silences } = this.feed.book
    this.root.hidden = silences.length === 0
    const next = JSON.stringify(silences.map((one) => [one.id, describeSpan(one, now)]))
    if (next === this.drawn) return
    this.drawn = next
    this.list.replaceChildren(...silences.map((silence) => this.item(silence, now)))
  }

  private item(silence: Silence, now: number): HTMLElement {
    const match = describeMatch(silence.match)
    const end = isRemovable(silence)
      ? button('End', () => void this.end(silence.id), { 'aria-label': `End the silence of ${match}` })
      : h('span', { class: 'aside' }, 'of the config file')
    const why = silence.reason === '' ? silence.by : `${silence.by}: ${silence.reason}`
    const text = h('div', {}, h('b', {}, match), h('p', {}, why))
    return h('li', {}, text, h('span', { class: 'aside' }, describeSpan(silence, now)), end)
  }

  private async end(id: string): Promise<void> {
    this.problem.hidden = true
    try {
      await this.feed.endSilence(id)
    } catch (error) {
      this.problem.textContent = messageOf(error)
      this.problem.hidden = false
    }
  }
}
