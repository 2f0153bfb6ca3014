/** Calls `work` every `everyMs` of real time, never twice at once; `stop` waits for the call under way. */
export class Ticker {
  readonly #timers: NodeJS.Timeout[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  every(everyMs: number, work: () => void | Promise<void>): void {
    let busy = false
    const run = async () => {
      if (busy) return
      busy = true
      try {
        await work()
      } catch (error) {
        this.#onError(error)
      }
      busy = false
    }
    const track = () => {
      const running = run()
      this.#running.add(running)
      running.finally(() => this.#running.delete(running)).catch(this.#onError)
    }
    this.#timers.push(setInterval(track, everyMs))
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    await Promise.all(this.#running)
  }
}
