/** Breaches of a promise by kind: one image may have thousands of a kind. */
export class Breaches {
  readonly #kinds = new Map<string, { count: number; example: unknown }>()

  add(kind: string, example: unknown): void {
    const known = this.#kinds.get(kind)
    if (known) known.count++
    else this.#kinds.set(kind, { count: 1, example })
  }

  get list(): string[] {
    return [...this.#kinds].map(([kind, { count, example }]) => `${kind}: ${count}, such as ${example}`)
  }
}
