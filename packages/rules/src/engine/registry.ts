/** Ids in a block: what is kept is kept by block, so that one change writes little. */
export const blockShift = 8
const blockSize = 1 << blockShift

/** A key, with its note where it has one. */
export type SavedKey = string | [key: string, note: string]

/** Dense, persistent ids of what the engine remembers things of. */
export class Registry {
  readonly #ids = new Map<string, number>()
  readonly #keys: string[] = []
  /** Short texts that are kept with a key: the unit of a series, up to when readings are forgotten. */
  readonly #notes = new Map<number, string>()
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

  note(id: number): string {
    return this.#notes.get(id) ?? ''
  }

  setNote(id: number, note: string): void {
    if (note === this.note(id)) return
    this.#notes.set(id, note)
    this.changedBlocks.add(id >> blockShift)
  }

  /** Keys and notes of a block, as they are kept. */
  block(block: number): SavedKey[] {
    const first = block << blockShift
    return this.#keys.slice(first, first + blockSize).map((key, at) => {
      const note = this.note(first + at)
      return note === '' ? key : [key, note]
    })
  }

  /** A block as it was kept. */
  load(block: number, keys: readonly SavedKey[]): void {
    for (const [at, saved] of keys.entries()) {
      const id = (block << blockShift) + at
      const [key, note] = typeof saved === 'string' ? [saved, ''] : saved
      this.#keys[id] = key
      this.#ids.set(key, id)
      if (note !== '') this.#notes.set(id, note)
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
