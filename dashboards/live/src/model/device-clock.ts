import type { ClockStateName, DeviceClocksStatus, StatusBody } from '@millrace/contracts'
import { formatAge, formatCount, formatDelay } from './format.ts'

type NamedClock = DeviceClocksStatus['worst'][number]

export interface ClockWords {
  text: string
  /** The whole of it, for who wants to know. */
  title: string
  level: 'good' | 'bad' | 'unknown'
}

/** What an agent's status says of its devices' clocks; undefined where it says nothing. */
export function deviceClocksOf(status: StatusBody | null | undefined): DeviceClocksStatus | undefined {
  const told = status?.clock?.devices
  const isTold = typeof told === 'object' && told !== null && 'states' in told && 'worst' in told
  return isTold ? (told as DeviceClocksStatus) : undefined
}

/** "4 min ahead", "2 h behind (or its messages take that long)". */
export function offsetWords(offsetMs: number): string {
  if (Math.abs(offsetMs) < 1_000) return 'right to the second'
  return `${formatDelay(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}`
}

/** "12 s a day". */
export function driftWords(driftPpm: number): string {
  const perDay = formatDelay(Math.abs(driftPpm) * 86.4)
  return `${driftPpm > 0 ? 'gains' : 'loses'} ${perDay} a day`
}

function wordsOf({ state, offsetMs, driftPpm, jump, reason }: NamedClock, nowMs: number): ClockWords {
  if (state === 'unknown')
    return { text: 'clock not known', title: `Nothing is known of its clock: ${reason ?? ''}.`, level: 'unknown' }
  const offset = offsetMs === null ? '' : offsetWords(offsetMs)
  const drift = driftPpm === null ? 'its drift is not known yet' : driftWords(driftPpm)
  const jumped = jump
    ? `jumped ${formatDelay(Math.abs(jump.sizeMs))} ${jump.sizeMs > 0 ? 'ahead' : 'back'} ${formatAge(nowMs - jump.atMs)}`
    : ''
  const main: Partial<Record<ClockStateName, string>> = { jumped, drifting: drift }
  const late = (offsetMs ?? 0) < 0 ? ' Messages that always take that long look the same.' : ''
  const facts = [offset, drift, jumped].filter((fact) => fact !== '').join(', ')
  return { text: `clock ${main[state] || offset}`, title: `By its agent’s time: ${facts}.${late}`, level: 'bad' }
}

/**
 * A device's clock in words, from the statuses of all agents; undefined where none tells. An agent names only its worst
 * clocks, so one that is not named is good only where the list is whole.
 */
export function clockWords(
  agents: Iterable<StatusBody>,
  { site, device }: { site: string; device: string },
  nowMs: number,
): ClockWords | undefined {
  const told = [...agents].flatMap((agent) => deviceClocksOf(agent) ?? [])
  if (told.length === 0) return undefined
  const named = told.flatMap(({ worst }) => worst.find((one) => one.site === site && one.device === device) ?? [])
  const known = named.find(({ state }) => state !== 'unknown') ?? named[0]
  if (known) return wordsOf(known, nowMs)
  const isWhole = told.every(({ states, worst }) => worst.length === all(states) - (states.good ?? 0))
  if (isWhole) return { text: 'clock good', title: 'Right by its agent’s time.', level: 'good' }
  return { text: '', title: 'Its agent names only its worst clocks, and this is none of them.', level: 'unknown' }
}

/** "7 good, 1 skewed": the states that occur. */
export function stateWords({ states }: DeviceClocksStatus): string {
  const some = Object.entries(states).filter(([, count]) => count > 0)
  return some.length === 0
    ? 'no devices yet'
    : some.map(([state, count]) => `${formatCount(count)} ${state}`).join(', ')
}

/** The clock that is furthest off, by name; undefined where none is named as off. */
export function worstWords({ worst }: DeviceClocksStatus): string | undefined {
  const [first] = worst
  if (!first || first.state === 'unknown' || first.offsetMs === null) return undefined
  return `${first.site}/${first.device}, ${offsetWords(first.offsetMs)}`
}

function all(states: DeviceClocksStatus['states']): number {
  return Object.values(states).reduce((sum, count) => sum + count, 0)
}
