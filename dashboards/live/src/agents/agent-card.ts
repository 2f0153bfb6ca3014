import type { PipelineAgent } from '@millrace/contracts'
import { presenceOf } from '../pipeline/agent-stages.ts'
import { describePresence } from '../pipeline/lane.ts'
import { fillLevel, fillOf, numberIn } from '../pipeline/stage.ts'
import { FigureRow, FillBar } from '../pipeline/stage-cell.ts'
import { h, setAttribute, setText } from '../view/dom.ts'
import { type FactGroup, factsOf } from './agent-facts.ts'
import { clockOf } from './clock.ts'

class Group {
  readonly root: HTMLElement
  private readonly list = h('dl', {})
  private readonly rows: FigureRow[] = []

  constructor(title: string) {
    this.root = h('section', { class: 'fact-group' }, h('h3', {}, title), this.list)
  }

  update({ figures }: FactGroup): void {
    figures.forEach((figure, index) => {
      let row = this.rows[index]
      if (!row) {
        row = new FigureRow()
        this.rows.push(row)
        this.list.append(row.root)
      }
      row.update(figure)
    })
  }
}

/** One agent: is it there, what does it run, whose time does it go by, how long can it do without the cloud. */
export class AgentCard {
  readonly root: HTMLElement
  private readonly state = h('span', { class: 'presence' })
  private readonly clock = h('p', { class: 'agent-clock' })
  private readonly fill = new FillBar()
  private readonly groups = h('div', { class: 'fact-groups' })
  private readonly byTitle = new Map<string, Group>()

  constructor({ site, agent }: PipelineAgent) {
    const name = `${site} / ${agent}`
    const head = h('div', { class: 'lane-head' }, h('h2', {}, 'Agent ', h('b', {}, name)), this.state)
    this.root = h('section', { class: 'lane agent', 'aria-label': `Agent ${name}` }, head, this.clock, this.groups)
  }

  update(agent: PipelineAgent): void {
    const { status } = agent
    const clock = clockOf(status)
    setAttribute(this.root, 'data-presence', presenceOf(agent))
    setText(this.state, describePresence(agent))
    setText(this.clock, clock.text)
    setAttribute(this.clock, 'data-level', clock.level)
    for (const group of factsOf(agent)) this.group(group.title).update(group)
    const fill = fillOf(numberIn(status?.spool, 'bytes'), numberIn(status?.spool, 'maxBytes'))
    this.fill.update(fill)
    setAttribute(this.fill.root, 'data-level', fillLevel(fill))
  }

  private group(title: string): Group {
    const known = this.byTitle.get(title)
    if (known) return known
    const group = new Group(title)
    if (title === 'Spool') group.root.append(this.fill.root)
    this.byTitle.set(title, group)
    this.groups.append(group.root)
    return group
  }
}
