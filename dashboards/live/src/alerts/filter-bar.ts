import { type ApiAlert, type Severity, severities } from '@millrace/contracts'
import { button, h, setAttribute } from '../view/dom.ts'
import type { AlertFilter } from './alert-filter.ts'
import { severityNames } from './alert-words.ts'
import { severityIcon } from './severity.ts'

interface Choice {
  root: HTMLElement
  select: HTMLSelectElement
}

function choice(label: string, changed: () => void): Choice {
  const select = h('select', { 'aria-label': label })
  select.addEventListener('change', changed)
  return { select, root: select }
}

function fill({ select }: Choice, { all, values, chosen }: { all: string; values: readonly string[]; chosen: string }) {
  const wanted = ['', ...new Set([...values, ...(chosen ? [chosen] : [])])].sort()
  const known = [...select.options].map(({ value }) => value)
  if (known.length === 0 || wanted.join('\n') !== known.join('\n'))
    select.replaceChildren(...wanted.map((value) => h('option', { value }, value || all)))
  if (select.value !== chosen) select.value = chosen
}

/** What is to be seen: by severity, site, rule and words. */
export class FilterBar {
  readonly root: HTMLElement
  private readonly changed: (filter: AlertFilter) => void
  private filter: AlertFilter
  private readonly severities = new Map<Severity, HTMLButtonElement>()
  private readonly site = choice('Site', () => this.change({ site: this.site.select.value }))
  private readonly rule = choice('Rule', () => this.change({ rule: this.rule.select.value }))
  private readonly text = h('input', {
    type: 'search',
    placeholder: 'Filter by words',
    'aria-label': 'Filter by words',
  })

  constructor(filter: AlertFilter, changed: (filter: AlertFilter) => void) {
    this.filter = filter
    this.changed = changed
    for (const severity of [...severities].reverse()) {
      const one = button('', () => this.change({ severity: this.filter.severity === severity ? '' : severity }))
      one.append(severityIcon(severity), severityNames[severity])
      setAttribute(one, 'data-severity', severity)
      this.severities.set(severity, one)
    }
    this.text.addEventListener('input', () => this.change({ text: this.text.value }))
    const group = h('div', { class: 'group', role: 'group', 'aria-label': 'Severity' }, ...this.severities.values())
    this.root = h('div', { class: 'alert-filter' }, group, this.site.root, this.rule.root, this.text)
  }

  focus(): void {
    this.text.focus()
    this.text.select()
  }

  draw(filter: AlertFilter, alerts: readonly ApiAlert[]): void {
    this.filter = filter
    for (const [severity, one] of this.severities)
      setAttribute(one, 'aria-pressed', String(filter.severity === severity))
    fill(this.site, { all: 'All sites', values: alerts.map(({ site }) => site), chosen: filter.site })
    fill(this.rule, { all: 'All rules', values: alerts.map(({ rule }) => rule), chosen: filter.rule })
    if (document.activeElement !== this.text) this.text.value = filter.text
  }

  private change(part: Partial<AlertFilter>): void {
    this.changed({ ...this.filter, ...part })
  }
}
