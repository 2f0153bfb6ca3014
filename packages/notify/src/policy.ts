import type { NotifyConfig } from './config.ts'
import { type AlertMatch, compileMatch } from './matching.ts'
import { channelSettings, type PaceSettings, type QuietSettings } from './settings.ts'
import type { Channel } from './types.ts'

/** How one channel is told: what concerns it, and its pace. */
export interface Policy {
  name: string
  tells: Channel['tells']
  matches: AlertMatch
  groupWaitMs: number
  groupEveryMs: number
  /** Infinity: never. */
  remindEveryMs: number
  maxPerMinute: number
  quietHours: readonly QuietSettings[]
  /** Items in a notice; of `states` the rest follows in the next, of `notices` it is counted. */
  maxItems: number
  /** Changes held for a channel of notices; the oldest beyond are told as a count. */
  maxHeld: number
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

const defaults = { groupWait: 10 * second, groupEvery: minute, remindEvery: 4 * hour, maxPerMinute: 20 }
const listedItems = 10
const statesAtOnce = 500
const heldChanges = 5_000

/** Machines are told at once and of everything. */
const ofStates = {
  tells: 'states',
  groupWaitMs: 0,
  groupEveryMs: 0,
  remindEveryMs: Number.POSITIVE_INFINITY,
  maxPerMinute: Number.POSITIVE_INFINITY,
  quietHours: [],
  maxItems: statesAtOnce,
  maxHeld: Number.POSITIVE_INFINITY,
} as const

function ofNotices(own: PaceSettings, all: PaceSettings) {
  const chosen = <Name extends keyof typeof defaults>(name: Name) => own[name] ?? all[name] ?? defaults[name]
  const remindEvery = chosen('remindEvery')
  return {
    tells: 'notices',
    groupWaitMs: Number(chosen('groupWait')),
    groupEveryMs: Number(chosen('groupEvery')),
    remindEveryMs: remindEvery === 'never' ? Number.POSITIVE_INFINITY : remindEvery,
    maxPerMinute: Number(chosen('maxPerMinute')),
    quietHours: own.quietHours ?? all.quietHours ?? [],
    maxItems: listedItems,
    maxHeld: heldChanges,
  } as const
}

/** The policy of the channel with these settings; `tells` is what its channel says of itself. */
export function policyOf(settings: unknown, tells: Channel['tells'], all: NotifyConfig): Policy {
  const { name, match, ...own } = channelSettings.parse(settings)
  const pace = tells === 'states' ? ofStates : ofNotices(own, all)
  return { name, matches: compileMatch(match ?? {}), ...pace }
}
