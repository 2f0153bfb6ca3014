import type { Logger } from '@millrace/pipeline'
import { explainProblem, type ReadFrom } from './problems.ts'

interface Met {
  text: string
  tries: number
}

/** What hinders reading at present: of the hub as a whole, named by an empty text, and of each partition. */
export class Problems {
  private readonly options: { from: ReadFrom; log: Logger }
  private readonly byPartition: Map<string, Met>
  private readonly listeners: (() => void)[] = []

  constructor(options: { from: ReadFrom; log: Logger }) {
    this.options = options
    const text = explainProblem(new Error('not yet tried'), options.from, '')
    this.byPartition = new Map([['', { text, tries: 0 }]])
  }

  first(): string | undefined {
    const [first] = this.byPartition.values()
    return first?.text
  }

  /** Called when the last problem has gone. */
  onSolved(callback: () => void): void {
    this.listeners.push(callback)
  }

  /** Told once in the log however often it is met. Returns how often in a row this partition had one. */
  met(error: unknown, partition: string): number {
    const text = explainProblem(error, this.options.from, partition)
    const known = this.byPartition.get(partition)
    const tries = (known?.tries ?? 0) + 1
    if (known?.text !== text) this.options.log.warn({ partition, code: codeOf(error) }, text)
    this.byPartition.set(partition, { text, tries })
    return tries
  }

  solved(partition: string): void {
    if (!this.byPartition.delete(partition) || this.byPartition.size > 0) return
    this.options.log.info({ hub: this.options.from.hub }, 'the hub is being read')
    for (const callback of this.listeners) callback()
  }
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}
