/** CPU seconds of this process, all its threads, that `run` takes. */
export function cpuSeconds(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export interface Contestant {
  name: string
  /** Does the whole work once and answers with the CPU seconds of what is compared. */
  run(): number
}

/** CPU seconds of each contestant in each round, A B C A B C ..., after one round that is not counted. */
export function interleave(contestants: readonly Contestant[], rounds: number): Map<string, number[]> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const { name, run } of contestants) {
      const seconds = run()
      if (round > 0) times.get(name)!.push(seconds)
    }
  }
  return times
}
