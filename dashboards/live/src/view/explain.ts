import type { App } from '../app.ts'
import { button, setAttribute } from './dom.ts'

/** Shows beside every figure of a view what it means; kept in the address, so that it is shared with the view. */
export class Explain {
  readonly button: HTMLButtonElement
  private readonly app: App
  private readonly root: HTMLElement

  constructor(app: App, root: HTMLElement) {
    this.app = app
    this.root = root
    this.button = button('Explain the figures', () => this.toggle())
    this.draw()
  }

  draw(): void {
    const explained = String(this.app.route.query.explain === '1')
    setAttribute(this.root, 'data-explain', explained)
    setAttribute(this.button, 'aria-pressed', explained)
  }

  private toggle(): void {
    const { explain, ...query } = this.app.route.query
    this.app.go({ ...this.app.route, query: explain === '1' ? query : { ...query, explain: '1' } }, { step: false })
  }
}
