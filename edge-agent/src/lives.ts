import { type Agent, type AgentOptions, startLife } from './agent.ts'

/**
 * Starts an agent; rejects with a MillraceError that a person can act on. One whose spool turns out to be a copy stops
 * and starts again by itself, on the same ports where those are given.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const lives = new Lives(options)
  await lives.begin()
  return lives
}

class Lives implements Agent {
  readonly #options: AgentOptions
  readonly #failure = Promise.withResolvers<never>()
  #starting: Promise<Agent> | undefined
  #life: Agent | undefined
  #turning: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(options: AgentOptions) {
    this.#options = options
    // A failure before anyone waits for it is reported by whoever waits later.
    this.#failure.promise.catch(() => undefined)
  }

  get pipeline() {
    return this.#current.pipeline
  }

  get reporter() {
    return this.#current.reporter
  }

  get httpPort() {
    return this.#current.httpPort
  }

  get mqttPort() {
    return this.#current.mqttPort
  }

  get ended() {
    return this.#failure.promise
  }

  async begin(): Promise<void> {
    this.#starting = startLife({ ...this.#options, onForked: () => this.#turn() })
    const life = await this.#starting
    life.ended.catch(this.#failure.reject)
    this.#life = life
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#turning
    await this.#life?.stop()
  }

  get #current(): Agent {
    if (!this.#life) throw new Error('the agent has not started')
    return this.#life
  }

  #turn(): void {
    this.#turning = this.#next().catch(this.#failure.reject)
  }

  /** A copy may be found out while its life is still starting. */
  async #next(): Promise<void> {
    const life = await this.#starting
    await life?.stop()
    if (!this.#stopping) await this.begin()
  }
}
