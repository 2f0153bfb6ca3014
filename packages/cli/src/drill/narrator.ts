import type { Screen } from '../up/screen.ts'
import type { Act } from './act.ts'
import type { Ink } from './ink.ts'
import { clockTime, wrap } from './words.ts'

const widest = 110
const narrowest = 40
const rightMargin = 2
const indent = ' '.repeat(9)

/** Tells what happens, line by line; the lines stay. */
export class Narrator {
  readonly #screen: Pick<Screen, 'line'>
  readonly #ink: Ink
  readonly #width: number
  readonly #beganAt = performance.now()

  /** Columns of the terminal; as wide as it reads well elsewhere. */
  constructor({ screen, ink, columns = widest }: { screen: Pick<Screen, 'line'>; ink: Ink; columns?: number }) {
    this.#screen = screen
    this.#ink = ink
    this.#width = Math.max(narrowest, Math.min(widest, columns) - indent.length - rightMargin)
  }

  get elapsedMs(): number {
    return performance.now() - this.#beganAt
  }

  line(text = ''): void {
    this.#screen.line(text)
  }

  act(act: Act, does: string, place: { at: number; of: number }): void {
    const { bold, dim, accent } = this.#ink
    this.line()
    this.line(`  ${accent(`${place.at}/${place.of}`)}    ${bold(act.title)}`)
    for (const line of wrap(does, this.#width)) this.line(indent + line)
    this.#labelled('Nasty', act.nasty, dim)
    this.#labelled('Expected', act.expects, dim)
  }

  /** Something that happened just now. */
  event(text: string): void {
    const [first, ...rest] = wrap(text, this.#width)
    this.line(`  ${this.#ink.dim(clockTime(this.elapsedMs).padStart(5))}  ${first}`)
    for (const line of rest) this.line(indent + line)
  }

  result({ well, text }: { well: boolean; text: string }): void {
    const { good, bad } = this.#ink
    const [first, ...rest] = wrap(text, this.#width)
    this.line(`  ${well ? good('   ok') : bad('   !!')}  ${first}`)
    for (const line of rest) this.line(indent + line)
  }

  #labelled(label: string, text: string, ink: (text: string) => string): void {
    const [first, ...rest] = wrap(`${label}: ${text}`, this.#width)
    for (const line of [first!, ...rest]) this.line(indent + ink(line))
  }
}
