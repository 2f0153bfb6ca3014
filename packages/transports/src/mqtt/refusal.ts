const firstDelayMs = 100
const maxDelayMs = 10_000

/** How long senders are kept away while their messages are refused: longer each time, from the start again after an acceptance. Real time. */
export class Refusal {
  #delayMs = 0
  #untilMs = 0

  get active(): boolean {
    return performance.now() < this.#untilMs
  }

  /** Begins or prolongs the refusal; answers with its length in ms. */
  begin(): number {
    if (this.active) return this.#untilMs - performance.now()
    this.#delayMs = Math.min(maxDelayMs, Math.max(firstDelayMs, this.#delayMs * 2))
    this.#untilMs = performance.now() + this.#delayMs
    return this.#delayMs
  }

  accepted(): void {
    this.#delayMs = 0
  }
}
