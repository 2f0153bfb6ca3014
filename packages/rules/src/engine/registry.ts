/** Ids in a block: what is kept is kept by block, so that one change writes little. */
export const blockShift = 8
const blockSize = 1 << blockShift

/** Dense, persistent ids of what the engine remembers things of. */
export class Registry {
  readonly #ids = new Map<string, number>()
  readonly #keys: string[] = []
  readonly changedBlocks = new Set<number>()

  id(key: string): number {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#keys.push(key) - 1
    this.#ids.set(key, id)
    this.changedBlocks.add(id >> blockShift)
    return id
  }

  key(id: number): string {
    return this.#keys[id]!
  }

  get size(): number {
    return this.#keys.length
  }

  block(block: number): string[] {
    return this.#keys.slice(block << blockShift, (block + 1) << blockShift)
  }

  /** A block as it was kept. */
  load(block: number, keys: readonly string[]): void {
    for (const [at, key] of keys.entries()) {
      const id = (block << blockShift) + at
      this.#keys[id] = key
      this.#ids.set(key, id)
    }
  }
}

/** Things with an id by block, each at its place in it. */
export class Blocks<Item> {
  readonly #blocks: (Item | undefined)[][] = []

  set(id: number, item: Item | undefined): void {
    const block = this.#blocks[id >> blockShift]
    if (block) block[id & (blockSize - 1)] = item
    else {
      const made: (Item | undefined)[] = new Array(blockSize).fill(undefined)
      made[id & (blockSize - 1)] = item
      this.#blocks[id >> blockShift] = made
    }
  }

  of(block: number): readonly (Item | undefined)[] {
    return this.#blocks[block] ?? []
  }
}
