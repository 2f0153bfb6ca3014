/** How many are remembered; a name beyond goes to whoever asks for it. */
const maxOwners = 100_000

/** What each name was made from, so that two things whose names come out the same are not made one. */
export class NameOwners {
  readonly #raw = new Map<string, string>()

  /** False where the name was made from another text before; the first one keeps it. */
  claim(name: string, raw: string): boolean {
    const owner = this.#raw.get(name)
    if (owner === undefined && this.#raw.size < maxOwners) this.#raw.set(name, raw)
    return owner === undefined || owner === raw
  }
}
