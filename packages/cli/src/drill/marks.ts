import type { NewMark } from '@millrace/contracts'
import { pause } from '@millrace/pipeline'
import type { Target } from './target.ts'

const tryAgainMs = 300
const answerWithinMs = 2_000
const givenUpAfterMs = 30_000

type NamedMark = NewMark & { id: string }

/** Puts what happens on the page's charts. The ingest may be dead just then, so it is told again until it hears. */
export class MarkPost {
  readonly #target: Target
  readonly #signal: AbortSignal
  readonly #run: string
  readonly #waiting = new Map<string, NamedMark>()
  #count = 0
  #working: Promise<void> | undefined

  /** `run` names this drill; a mark of an earlier one is never replaced. */
  constructor(target: Target, run: string, signal: AbortSignal) {
    this.#target = target
    this.#run = run
    this.#signal = signal
  }

  moment(text: string): void {
    this.#post({ id: this.#id(), kind: 'drill', text, from: this.#target.now(), to: this.#target.now() })
  }

  /** A stretch of time; call what it gives back at its end. */
  begin(text: string, lengthMs: number): () => void {
    const from = this.#target.now()
    const mark: NamedMark = { id: this.#id(), kind: 'drill', text, from, to: this.#after(lengthMs) }
    this.#post(mark)
    return () => this.#post({ ...mark, to: Math.max(from, this.#target.now()) })
  }

  /** Resolves when everything was told, or given up. */
  async flush(): Promise<void> {
    await this.#working
  }

  #id(): string {
    return `drill-${this.#run}-${this.#count++}`
  }

  #after(ms: number): number {
    return this.#target.now() + ms * this.#target.speed
  }

  #post(mark: NamedMark): void {
    this.#waiting.set(mark.id, mark)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  async #work(): Promise<void> {
    const deadline = performance.now() + givenUpAfterMs
    while (this.#waiting.size > 0 && performance.now() < deadline) {
      for (const [id, mark] of this.#waiting) if (await this.#tell(mark)) this.#settle(id, mark)
      if (this.#waiting.size > 0) await pause(tryAgainMs, this.#signal).catch(() => undefined)
    }
  }

  /** It may have changed meanwhile. */
  #settle(id: string, told: NamedMark): void {
    if (this.#waiting.get(id) === told) this.#waiting.delete(id)
  }

  async #tell(mark: NamedMark): Promise<boolean> {
    const { ports, token } = this.#target
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (token !== undefined) headers.authorization = `Bearer ${token}`
    const request = { method: 'POST', headers, body: JSON.stringify(mark) }
    const signal = AbortSignal.timeout(answerWithinMs)
    const response = await fetch(`http://127.0.0.1:${ports.http}/api/marks`, { ...request, signal }).catch(() => null)
    await response?.body?.cancel()
    return response !== null && response.status < 500
  }
}
