import type { PipelineResponse } from '@millrace/contracts'
import type { App } from '../app.ts'
import { h, setAttribute, setText } from '../view/dom.ts'
import { Equation } from '../view/equation.ts'
import { Explain } from '../view/explain.ts'
import type { View } from '../view/view.ts'
import { PipelineFeed } from './feed.ts'
import { ingestStages } from './ingest-stages.ts'
import { Lane } from './lane.ts'
import type { Stage } from './stage.ts'
import { StageRow } from './stage-cell.ts'
import { type Trouble, troublesOf } from './troubles.ts'

const maxTroubles = 6

/** The way of a reading from the devices to this page: a lane per agent, then the ingest that they all lead to. */
export class PipelineView implements View {
  readonly root = h('div', { class: 'pipeline' })
  private readonly app: App
  private readonly feed: PipelineFeed
  private readonly verdict = h('p', { class: 'pipeline-verdict', role: 'status' }, 'Asking how the pipeline is …')
  private readonly troubles = h('ul', { class: 'troubles' })
  private readonly lanes = h('div', { class: 'lanes' })
  private readonly byAgent = new Map<string, Lane>()
  private readonly row = new StageRow('Stages of the ingest')
  private readonly total = new Equation('Accounts of all agents together')
  private readonly explain: Explain
  private readonly update = () => this.draw()

  constructor(app: App) {
    this.app = app
    this.explain = new Explain(app, this.root)
    const head = h('div', { class: 'view-head' }, h('h1', {}, 'The way of a reading'), this.explain.button)
    const ingest = h(
      'section',
      { class: 'lane lane-ingest', 'aria-label': 'Ingest' },
      h('div', { class: 'lane-head' }, h('h2', {}, 'Ingest')),
      this.row.root,
      h('h3', { class: 'total-head' }, 'All agents together'),
      this.total.root,
    )
    this.root.append(head, this.verdict, this.troubles, this.lanes, ingest)
    this.feed = new PipelineFeed(app, () => app.frames.add(this.update))
    app.frames.add(this.update)
  }

  route(): void {
    this.explain.draw()
  }

  accounts(): void {
    this.app.frames.add(this.update)
  }

  connection(): void {
    this.app.frames.add(this.update)
  }

  status(): void {
    this.feed.soon()
  }

  close(): void {
    this.feed.close()
  }

  private draw(): void {
    const { pipeline, accounts, connected, delay } = this.app
    if (!pipeline) return
    const stores = accounts?.stores ?? []
    const stages = ingestStages({ stages: pipeline.stages, stores, delayMs: connected ? delay.ms : undefined })
    this.row.update(stages)
    this.drawLanes(pipeline)
    if (accounts) this.total.update(accounts.total)
    this.drawTroubles(pipeline, stages)
  }

  private drawLanes({ agents }: PipelineResponse): void {
    const names = new Set(agents.map(({ site, agent }) => `${site}/${agent}`))
    for (const [name, lane] of this.byAgent) {
      if (names.has(name)) continue
      lane.root.remove()
      this.byAgent.delete(name)
    }
    for (const agent of agents) {
      const name = `${agent.site}/${agent.agent}`
      const lane = this.byAgent.get(name) ?? new Lane(agent)
      this.byAgent.set(name, lane)
      lane.update(agent)
      if (!lane.root.isConnected) this.lanes.append(lane.root)
    }
  }

  private drawTroubles({ agents }: PipelineResponse, stages: readonly Stage[]): void {
    const troubles = this.app.connected ? troublesOf(agents, stages) : []
    const [worst] = troubles
    setText(
      this.verdict,
      this.app.connected ? describeHealth(agents.length, troubles) : 'As last known; the connection is lost.',
    )
    setAttribute(this.verdict, 'data-level', this.app.connected ? (worst?.level ?? levelOf(agents.length)) : 'off')
    const texts = troubles.slice(0, maxTroubles).map(({ level, text }) => h('li', { 'data-level': level }, text))
    if (this.troubles.textContent !== texts.map(({ textContent }) => textContent).join(''))
      this.troubles.replaceChildren(...texts)
  }
}

const levelOf = (agents: number) => (agents === 0 ? 'waiting' : 'good')

function describeHealth(agents: number, troubles: readonly Trouble[]): string {
  if (agents === 0) return 'No agent has been heard yet.'
  if (troubles.length === 0) return 'Everything flows and the accounts balance.'
  const more = troubles.length > maxTroubles ? ` The first ${maxTroubles}:` : ''
  return `${troubles.length === 1 ? 'One thing needs' : `${troubles.length} things need`} a look.${more}`
}
