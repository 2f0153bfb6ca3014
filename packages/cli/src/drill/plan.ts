import { chances } from './chances.ts'
import type { Victim } from './target.ts'

/** What may happen, in the order in which it does. */
export const actNames = ['baseline', 'uplink', 'kills', 'disk', 'clocks', 'poison'] as const
export type ActName = (typeof actNames)[number]

/** Share of the time that each act has, by weight. */
const weights: Record<ActName, number> = { baseline: 2, uplink: 5, kills: 8, disk: 4, clocks: 2, poison: 3 }

/** Kept for draining and the recount, and taken from the acts. */
const endShare = 0.2
const shortestEndMs = 10_000

export interface PlannedAct {
  name: ActName
  lengthMs: number
}

/** Divides a duration among the acts. */
export function planActs(names: readonly ActName[], durationMs: number): PlannedAct[] {
  const actsMs = durationMs - Math.max(shortestEndMs, durationMs * endShare)
  const total = names.reduce((sum, name) => sum + weights[name], 0)
  return names.map((name) => ({ name, lengthMs: Math.round((actsMs * weights[name]) / total) }))
}

/** Several at one moment, or one. */
export interface PlannedKill {
  victims: Victim[]
  /** After the last one: real ms since everything worked again, or since that kill itself. */
  pauseMs: number
  /** Strikes while the last one is not over. */
  again: boolean
}

const meanGapMs = 3_000
const fewest = 5
const longestPauseMs = 2_000
const shareOfPairs = 0.2
const shareOfAll = 0.12
const shareAgain = 0.25

function shuffled(victims: readonly Victim[], chance: () => number): Victim[] {
  return victims
    .map((victim) => ({ victim, place: chance() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ victim }) => victim)
}

function someVictims(victims: readonly Victim[], chance: () => number): Victim[] {
  const order = shuffled(victims, chance)
  const draw = chance()
  if (draw < shareOfAll) return order
  return order.slice(0, draw < shareOfAll + shareOfPairs ? 2 : 1)
}

/** Who dies when: at random, but each of them alone at least once, all together once, and once before all is well. */
export function planKills(lengthMs: number, victims: readonly Victim[], seed: number): PlannedKill[] {
  const chance = chances(seed)
  const count = Math.max(fewest, Math.floor(lengthMs / meanGapMs))
  const first = [...shuffled(victims, chance).map((victim) => [victim]), shuffled(victims, chance)]
  return Array.from({ length: count }, (_none, index): PlannedKill => {
    const again = index === fewest - 1 || (index >= fewest && chance() < shareAgain)
    const pauseMs = Math.round(chance() * longestPauseMs)
    return { victims: first[index] ?? someVictims(victims, chance), pauseMs, again }
  })
}
