import type { ApiAlert } from '@millrace/contracts'
import type { App } from '../app.ts'
import { h, setText } from '../view/dom.ts'
import { actionForm } from './action-form.ts'
import { durations, isMatched, type MatchChoice, matchChoices } from './silence-choices.ts'
import { describeMatch, describeSpan } from './silence-list.ts'
import { nameField } from './who.ts'

function choose(name: string, labels: readonly string[]): { root: HTMLElement; chosen(): number } {
  const options = labels.map((label, index) => h('option', { value: index }, label))
  const id = `silence-${name.toLowerCase().replaceAll(' ', '-')}`
  const select = h('select', { id }, ...options)
  const root = h('p', { class: 'field' }, h('label', { for: id }, name), select)
  return { root, chosen: () => Number(select.value) }
}

/** Keeps notices back for a while; shows what is matched now. */
export class SilenceForm {
  readonly root = h('section', { class: 'box', 'aria-label': 'Silence' })
  private readonly app: App
  private readonly matches: MatchChoice[]
  private readonly which: ReturnType<typeof choose>
  private readonly long = choose(
    'For',
    durations.map(({ label }) => label),
  )
  private readonly reason = h('input', { id: 'silence-reason', maxlength: 1_024, placeholder: 'Why' })
  private readonly name = nameField('silence-name')
  private readonly preview = h('p', { class: 'aside', role: 'status' })
  private readonly state = h('p', { class: 'aside', hidden: true })

  constructor(app: App, alert: ApiAlert) {
    this.app = app
    this.matches = matchChoices(alert)
    this.which = choose(
      'What',
      this.matches.map(({ label }) => label),
    )
    this.which.root.addEventListener('change', () => this.drawPreview())
    const reason = h('p', { class: 'field' }, h('label', { for: 'silence-reason' }, 'Reason'), this.reason)
    const fields = [this.which.root, this.long.root, reason, this.name.root, this.preview]
    const form = actionForm({ label: 'Silence', fields, send: () => this.send() })
    const why = h(
      'p',
      { class: 'aside' },
      'Nobody is told for a while. The alert stays here, and what is recorded stays the same.',
    )
    this.root.append(h('h2', {}, 'Silence'), this.state, why, form)
  }

  draw({ silencedBy }: ApiAlert): void {
    const silence = this.app.alerts.book.silences.find(({ id }) => id === silencedBy)
    this.state.hidden = silence === undefined
    if (silence) {
      const text = `Silenced by ${silence.by} ${describeSpan(silence, this.app.now())} (${describeMatch(silence.match)}).`
      setText(this.state, text)
    }
    this.drawPreview()
  }

  private match(): MatchChoice['match'] {
    return this.matches[this.which.chosen()]?.match ?? {}
  }

  private drawPreview(): void {
    const match = this.match()
    const count = this.app.alerts.book.active().filter((alert) => isMatched(match, alert)).length
    const noun = count === 1 ? 'active alert' : 'active alerts'
    setText(this.preview, `Matches ${count} ${noun} now: ${describeMatch(match)}.`)
  }

  private async send(): Promise<void> {
    const untilMs = this.app.now() + (durations[this.long.chosen()] ?? durations[0]).ms
    const told = { match: this.match(), untilMs, reason: this.reason.value.trim() }
    await this.app.alerts.silence({ ...told, ...this.name.value() })
  }
}
