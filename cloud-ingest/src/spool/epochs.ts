/** Epochs told to an agent that asks, the newest ones. */
const told = 16

/** Which start of an agent made which of its numbers, as far as that was received. */
export class Epochs {
  private readonly byName = new Map<string, { first: number; newest: number }>()

  add(epoch: string, seq: number): void {
    const known = this.byName.get(epoch) ?? { first: seq, newest: seq }
    this.byName.set(epoch, { first: Math.min(known.first, seq), newest: Math.max(known.newest, seq) })
  }

  /** False where the number is of another start: what one start gave out no other gives out again. */
  mayHaveMade(epoch: string, seq: number): boolean {
    const makers = [...this.byName].filter(([, { first, newest }]) => first <= seq && seq <= newest)
    return makers.length === 0 || makers.some(([name]) => name === epoch)
  }

  /** By their newest numbers, the highest first. */
  newest(): string[] {
    const names = [...this.byName].sort(([, a], [, b]) => b.newest - a.newest).map(([name]) => name)
    return names.slice(0, told)
  }
}
