import type { App } from '../app.ts'
import { PipelineFeed } from '../pipeline/feed.ts'
import { h, setText } from '../view/dom.ts'
import { Explain } from '../view/explain.ts'
import type { View } from '../view/view.ts'
import { AgentCard } from './agent-card.ts'

/** Every agent and its clock. */
export class AgentsView implements View {
  readonly root = h('div', { class: 'agents' })
  private readonly app: App
  private readonly feed: PipelineFeed
  private readonly explain: Explain
  private readonly lead = h('p', { class: 'lead' }, 'Asking the ingest which agents it knows …')
  private readonly cards = new Map<string, AgentCard>()
  private readonly update = () => this.draw()

  constructor(app: App) {
    this.app = app
    this.explain = new Explain(app, this.root)
    const head = h('div', { class: 'view-head' }, h('h1', {}, 'Agents and their clocks'), this.explain.button)
    this.root.append(head, this.lead)
    this.feed = new PipelineFeed(app, () => app.frames.add(this.update))
    app.frames.add(this.update)
  }

  route(): void {
    this.explain.draw()
  }

  status(): void {
    this.feed.soon()
  }

  close(): void {
    this.feed.close()
  }

  private draw(): void {
    const agents = this.app.pipeline?.agents
    if (!agents) return
    const online = agents.filter((agent) => agent.online).length
    const none = 'No agent has been heard yet. One appears here as soon as it reaches the cloud broker.'
    setText(this.lead, agents.length === 0 ? none : `${online} of ${agents.length} online.`)
    for (const agent of agents) {
      const name = `${agent.site}/${agent.agent}`
      const card = this.cards.get(name) ?? new AgentCard(agent)
      this.cards.set(name, card)
      card.update(agent)
      if (!card.root.isConnected) this.root.append(card.root)
    }
  }
}
