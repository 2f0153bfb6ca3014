import type { RulesResponse, RulesStatus } from '@millrace/contracts'
import { formatCount } from '../model/format.ts'
import { h } from '../view/dom.ts'
import { severityMark } from './severity.ts'

type Level = 'good' | 'waiting' | 'bad'

export function levelOf({ problem, channels, behind = 0 }: RulesStatus): Level {
  if (channels.some(({ error }) => error !== null)) return 'bad'
  return problem !== null || behind > 1_000 ? 'waiting' : 'good'
}

const counted = (count: number, word: string) => `${formatCount(count)} ${word}${count === 1 ? '' : 's'}`

function factsOf({ version, rules, active, behind = 0 }: RulesStatus): string {
  if (rules === 0) return 'no rules'
  const waiting = behind > 0 ? ` · ${counted(behind, 'row')} still to be judged` : ''
  return `${counted(rules, 'rule')}, version ${version} · ${active} active${waiting}`
}

function channelOf({ channel, waiting, error }: RulesStatus['channels'][number]): HTMLElement {
  const held = waiting > 0 ? `, ${counted(waiting, 'notice')} waiting` : ''
  const state = error === null ? `works${held}` : `down${held}: ${error}`
  return h('li', { 'data-level': error === null ? 'good' : 'bad' }, h('b', {}, channel), ' ', state)
}

function watcher(status: RulesStatus): HTMLElement {
  const { evaluator, problem, channels } = status
  const refused = `The newest files were refused and the last good rules are in force: ${problem}`
  return h(
    'li',
    { class: 'watcher', 'data-level': levelOf(status) },
    h('h3', {}, evaluator),
    h('p', {}, factsOf(status)),
    problem === null ? undefined : h('p', { class: 'problem' }, refused),
    channels.length === 0 ? undefined : h('ul', { class: 'channels' }, ...channels.map(channelOf)),
  )
}

const owners = { edge: 'at the edge', cloud: 'in the cloud', grafana: 'by Grafana, not shown here' } as const

type Rules = readonly RulesResponse['rules'][number][]

function ruleTable(rules: Rules): HTMLElement {
  const rows = rules.map(({ id, at, kind, severity }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, id),
      h('td', {}, severityMark(severity)),
      h('td', {}, kind),
      h('td', {}, owners[at]),
    ),
  )
  const head = ['rule', 'severity', 'kind', 'judged'].map((name) => h('th', { scope: 'col' }, name))
  return h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)))
}

/** Who judges which rules, what is wrong with newer ones, and who can be told. */
export class Watchers {
  readonly root = h('section', { class: 'watchers', 'aria-label': 'Who watches' })
  private readonly list = h('ul', {})
  private readonly rules = h('details', { class: 'rule-list', hidden: true }, h('summary', {}, 'Rules in force'))
  private drawn = ''

  constructor() {
    this.root.append(h('h2', {}, 'Who watches'), this.list, this.rules)
  }

  draw({ evaluators, rules }: { evaluators: readonly RulesStatus[]; rules: Rules }): void {
    const next = JSON.stringify([evaluators, rules])
    if (next === this.drawn) return
    this.drawn = next
    this.root.hidden = evaluators.length === 0
    this.list.replaceChildren(...evaluators.map(watcher))
    this.rules.hidden = rules.length === 0
    this.rules.replaceChildren(h('summary', {}, `Rules in force (${rules.length})`), ruleTable(rules))
  }
}
