import { type Counted, termsOf } from '../model/accounts.ts'
import { formatCount, formatPercent } from '../model/format.ts'
import { h, setAttribute, setText } from './dom.ts'

export type Balanced = Counted & { accepted: number; unaccounted: number; qos0: number }

const acceptedMeaning = 'Every reading taken on and acknowledged.'
const unaccountedMeaning = 'What is left of accepted when all other terms are taken off. Must be 0.'
export const qos0Meaning =
  'Sent with QoS 0, which nobody repeats when it is lost on the way. They are in all terms, but outside the promise.'

interface Part {
  root: HTMLElement
  count: HTMLElement
}

function part(sign: string, label: string, meaning: string): Part {
  const count = h('b', {}, '–')
  const words = h('span', { class: 'equation-label' }, ` ${label}`)
  const root = h('li', { title: meaning }, h('i', { 'aria-hidden': true }, sign), count, words)
  return { root, count }
}

const none = { closed: 0, open: 0, duplicate: 0, tooLate: 0, invalid: 0, dropped: 0 }

/** accepted = closed + open + ..., on one line that may wrap, with what stands beside it. */
export class Equation {
  readonly root = h('div', { class: 'equation' })
  private readonly accepted = part('', 'accepted', acceptedMeaning)
  private readonly terms = new Map<string, Part>()
  private readonly unaccounted = h('p', { class: 'equation-verdict', title: unaccountedMeaning })
  private readonly qos0 = h('p', { class: 'equation-aside', title: qos0Meaning })

  constructor(label: string) {
    for (const term of termsOf(none)) {
      this.terms.set(term.id, part(this.terms.size === 0 ? '=' : '+', term.label, term.meaning))
    }
    const parts = [this.accepted, ...this.terms.values()].map(({ root }) => root)
    this.root.append(h('ul', { 'aria-label': label }, ...parts), this.unaccounted, this.qos0)
  }

  update(counted: Balanced): void {
    setText(this.accepted.count, formatCount(counted.accepted))
    for (const { id, count } of termsOf(counted)) {
      const term = this.terms.get(id)
      if (!term) continue
      setText(term.count, formatCount(count))
      setAttribute(term.root, 'data-zero', String(count === 0))
    }
    const left = counted.unaccounted
    setText(this.unaccounted, left === 0 ? 'nothing unaccounted' : `${formatCount(left)} unaccounted`)
    setAttribute(this.unaccounted, 'data-level', left === 0 ? 'good' : 'bad')
    setText(this.qos0, describeQos0(counted))
  }
}

/** "QoS 0: 1.2 % (34), outside the promise". */
export function describeQos0({ qos0, accepted }: Pick<Balanced, 'qos0' | 'accepted'>): string {
  if (qos0 === 0) return 'QoS 0: none'
  return `QoS 0: ${formatPercent(qos0, accepted)} (${formatCount(qos0)}), outside the promise`
}
