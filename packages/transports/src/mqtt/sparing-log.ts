import type { Logger } from '@millrace/pipeline'

const everyMs = 10_000
const linesEach = 5

interface Spell {
  level: 'info' | 'warn'
  lines: number
  left: number
  timer: NodeJS.Timeout
}

/**
 * Writes the first lines of each kind, and of all that follow within some seconds only how many there were: what
 * strangers do on a port must not fill a disk.
 */
export class SparingLog {
  readonly #log: Logger
  readonly #spells = new Map<string, Spell>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** `message` names the kind. */
  write(level: Spell['level'], fields: Record<string, unknown>, message: string): void {
    const spell = this.#spells.get(message) ?? this.#begin(level, message)
    if (spell.lines >= linesEach) {
      spell.left++
      return
    }
    spell.lines++
    this.#log[level](fields, message)
  }

  /** Says what was not said yet. */
  close(): void {
    for (const { timer } of this.#spells.values()) clearTimeout(timer)
    for (const [message, spell] of this.#spells) this.#sum(message, spell)
    this.#spells.clear()
  }

  #begin(level: Spell['level'], message: string): Spell {
    const timer = setTimeout(() => {
      this.#spells.delete(message)
      this.#sum(message, spell)
    }, everyMs).unref()
    const spell: Spell = { level, lines: 0, left: 0, timer }
    this.#spells.set(message, spell)
    return spell
  }

  #sum(message: string, { level, left }: Spell): void {
    if (left > 0) this.#log[level]({ count: left, withinMs: everyMs }, `${message}: more of them, not listed`)
  }
}
