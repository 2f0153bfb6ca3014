/** A binary heap: `peek` and `pop` give the least element. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #compare: (a: T, b: T) => number

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#compare(items[parent]!, item) <= 0) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const least = items[0]
    const last = items.pop()
    if (items.length > 0) this.#sink(last!)
    return least
  }

  /** Puts the first element where it belongs after its order has changed. */
  settle(): void {
    if (this.#items.length > 1) this.#sink(this.#items[0]!)
  }

  #sink(item: T): void {
    const items = this.#items
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= items.length) break
      const right = left + 1
      const child = right < items.length && this.#compare(items[right]!, items[left]!) < 0 ? right : left
      if (this.#compare(items[child]!, item) >= 0) break
      items[at] = items[child]!
      at = child
    }
    items[at] = item
  }
}
