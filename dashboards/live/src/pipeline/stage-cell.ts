import { h, setAttribute, setText } from '../view/dom.ts'
import type { Figure, Fill, Level, Stage } from './stage.ts'

const levelWords: Readonly<Record<Level, string>> = {
  good: 'well',
  waiting: 'needs a look',
  bad: 'in trouble',
  off: 'not known at the moment',
}

export class FigureRow {
  readonly root: HTMLElement
  private readonly value = h('dd', { class: 'figure-value' })
  private readonly label = h('dt', {})
  private readonly meaning = h('dd', { class: 'meaning' })

  constructor() {
    this.root = h('div', { class: 'figure' }, this.label, this.value, this.meaning)
  }

  update({ label, value, meaning, level = 'good' }: Figure): void {
    setText(this.label, label)
    setText(this.value, value)
    setText(this.meaning, meaning)
    setAttribute(this.root, 'title', meaning)
    setAttribute(this.root, 'data-level', level)
  }
}

/** A disk as a vessel. */
export class FillBar {
  private readonly bar = h('i', {})
  private readonly text = h('span', { class: 'fill-text' })
  private readonly meaning = h('span', { class: 'meaning' })
  private readonly meter = h('div', { class: 'fill-bar', role: 'meter', 'aria-label': 'Disk used' }, this.bar)
  readonly root = h('div', { class: 'fill', hidden: true }, this.meter, this.text, this.meaning)

  update(fill: Fill | undefined): void {
    this.root.hidden = fill === undefined
    if (!fill) return
    const percent = Math.round(fill.share * 100)
    this.bar.style.inlineSize = `${Math.max(fill.share * 100, 1)}%`
    setText(this.text, fill.text)
    setText(this.meaning, fill.meaning)
    setAttribute(this.root, 'title', fill.meaning)
    setAttribute(this.meter, 'aria-valuenow', String(percent))
    setAttribute(this.meter, 'aria-valuetext', fill.text)
  }
}

/** One stage of the drawing: a station on the water's way. */
export class StageCell {
  readonly root: HTMLElement
  private readonly name = h('h3', {})
  private readonly does = h('p', { class: 'stage-does' })
  private readonly note = h('p', { class: 'stage-note', hidden: true })
  private readonly health = h('span', { class: 'sr-only' })
  private readonly fill = new FillBar()
  private readonly list = h('dl', {})
  private readonly rows: FigureRow[] = []

  constructor() {
    const text = h('div', { class: 'stage-text' }, this.name, this.health, this.does)
    this.root = h(
      'li',
      { class: 'stage' },
      text,
      h('div', { class: 'stage-figures' }, this.list, this.fill.root, this.note),
    )
  }

  update(stage: Stage): void {
    setAttribute(this.root, 'data-stage', stage.id)
    setAttribute(this.root, 'data-level', stage.level)
    setAttribute(this.root, 'data-flows', String(stage.flows))
    setText(this.name, stage.name)
    setText(this.does, stage.does)
    setText(this.health, `State: ${levelWords[stage.level]}.`)
    this.note.hidden = stage.note === undefined
    setText(this.note, stage.note ?? '')
    this.fill.update(stage.fill)
    this.updateFigures(stage.figures)
  }

  private updateFigures(figures: readonly Figure[]): void {
    for (const extra of this.rows.splice(figures.length)) extra.root.remove()
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

/** Stages in flow order; cells stay in place while their figures change. */
export class StageRow {
  readonly root: HTMLElement
  private readonly cells: StageCell[] = []

  constructor(label: string) {
    this.root = h('ol', { class: 'stages', 'aria-label': label })
  }

  update(stages: readonly Stage[]): void {
    for (const extra of this.cells.splice(stages.length)) extra.root.remove()
    setAttribute(this.root, 'data-stages', String(stages.length))
    stages.forEach((stage, index) => {
      let cell = this.cells[index]
      if (!cell) {
        cell = new StageCell()
        this.cells.push(cell)
        this.root.append(cell.root)
      }
      cell.update(stage)
    })
  }
}
