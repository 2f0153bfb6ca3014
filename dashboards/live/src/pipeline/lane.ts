import type { PipelineAgent } from '@millrace/contracts'
import { formatAge, formatSpan } from '../model/format.ts'
import { h, setAttribute, setText } from '../view/dom.ts'
import { Equation } from '../view/equation.ts'
import { agentStages, type Presence, presenceOf } from './agent-stages.ts'
import { StageRow } from './stage-cell.ts'

/** "online, last heard 3 s ago"; real time, whatever the stack's clock does. */
export function describePresence(agent: PipelineAgent): string {
  const { silentMs, readingsPerSecond } = agent
  const words: Record<Presence, () => string> = {
    online: () => (readingsPerSecond === 0 ? 'online, no readings at the moment' : 'online'),
    silent: () => `silent, last heard ${formatAge(silentMs ?? 0)}`,
    offline: () => `offline for ${formatSpan(silentMs ?? 0)}, figures as last told`,
    unseen: () => 'not heard since this ingest started, figures as last told',
  }
  return words[presenceOf(agent)]()
}

/** One agent: its stages on the way of a reading, and its accounts below. */
export class Lane {
  readonly root: HTMLElement
  private readonly state = h('span', { class: 'presence' })
  private readonly row: StageRow
  private readonly equation: Equation

  constructor({ site, agent }: PipelineAgent) {
    const name = `${site} / ${agent}`
    this.row = new StageRow(`Stages of agent ${name}`)
    this.equation = new Equation(`Accounts of agent ${name}`)
    const link = h('a', { class: 'lane-link', href: '#/agents' }, 'Clock and state')
    this.root = h(
      'section',
      { class: 'lane', 'aria-label': `Agent ${name}` },
      h('div', { class: 'lane-head' }, h('h2', {}, 'Agent ', h('b', {}, name)), this.state, link),
      this.row.root,
      this.equation.root,
    )
  }

  update(agent: PipelineAgent): void {
    setAttribute(this.root, 'data-presence', presenceOf(agent))
    setText(this.state, describePresence(agent))
    this.row.update(agentStages(agent))
    this.equation.update(agent.accounts)
  }
}
