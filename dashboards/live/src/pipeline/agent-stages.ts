import type { PipelineAgent } from '@millrace/contracts'
import { formatCount, formatPercent, formatRate, formatSpan } from '../model/format.ts'
import { dayMs } from '../model/step.ts'
import {
  countText,
  type Figure,
  fillLevel,
  fillNote,
  fillOf,
  type Level,
  numberIn,
  type Stage,
  worstOf,
} from './stage.ts'

/** Where the agent does not say how often its status comes. */
const usualStatusMs = 10_000
/** After so many statuses that did not come it counts as silent. */
const statusesMissed = 3.5
/** Messages that may await a receipt at once. */
const maxOutstanding = 32
const slowOutboxMs = 60_000

export type Presence = 'online' | 'silent' | 'offline' | 'unseen'

export function presenceOf({ online, silentMs, status }: PipelineAgent): Presence {
  if (silentMs === null) return 'unseen'
  if (!online) return 'offline'
  const everyMs = numberIn(status?.counters, 'statusEveryMs') ?? usualStatusMs
  return silentMs > statusesMissed * everyMs ? 'silent' : 'online'
}

/** Age of the oldest message that waits, by the agent's own clock; undefined where none waits. */
export function oldestWaitMs({ status }: PipelineAgent): number | undefined {
  const oldestMs = numberIn(status?.spool, 'oldestOutboxMs')
  if (oldestMs === undefined || status?.at === undefined) return undefined
  return Math.max(0, status.at - oldestMs)
}

function devices({ status, devices: known }: PipelineAgent): Stage {
  const count = numberIn(status?.counters, 'devices') ?? known
  return {
    ...{ id: 'devices', name: 'Devices', does: 'measure and publish over MQTT', level: 'good', flows: true },
    figures: [
      { label: 'devices', value: formatCount(count), meaning: 'Devices this agent has ever heard.' },
      {
        label: 'series',
        value: countText(numberIn(status?.counters, 'series')),
        meaning: 'Different measurements: one per site, device and metric.',
      },
    ],
  }
}

function collect({ readingsPerSecond, accounts }: PipelineAgent): Stage {
  return {
    ...{ id: 'collect', name: 'Collect', does: 'takes messages in', level: 'good' },
    flows: (readingsPerSecond ?? 0) > 0,
    figures: [
      {
        label: 'readings/s',
        value: readingsPerSecond === null ? '–' : formatRate(readingsPerSecond),
        meaning: 'Readings accepted each second, over the last ten seconds.',
      },
      {
        label: 'came with QoS 0',
        value: formatPercent(accounts.qos0, accounts.accepted),
        meaning: 'Sent without asking for an acknowledgement: counted like all others, but outside the promise.',
      },
    ],
  }
}

function decode({ accounts }: PipelineAgent): Stage {
  return {
    ...{ id: 'decode', name: 'Decode', does: 'turns bytes into readings', level: 'good', flows: true },
    figures: [
      {
        label: 'set aside',
        value: formatCount(accounts.invalid),
        meaning: 'Readings that could not be used, kept apart with the reason, since the spool was made.',
      },
    ],
  }
}

function journalNote({ full, damaged, fill }: { full: boolean; damaged: boolean; fill: ReturnType<typeof fillOf> }) {
  if (full) return { note: 'The disk is full: devices have to wait.' }
  if (damaged)
    return { note: 'The file on its disk was damaged: it was put aside with what was not sent, and a new one begun.' }
  return fillNote(fill)
}

function journal(agent: PipelineAgent): Stage {
  const { spool } = agent.status ?? {}
  const fill = fillOf(numberIn(spool, 'bytes'), numberIn(spool, 'maxBytes'))
  const days = numberIn(spool, 'bridgesDays')
  const full = spool?.full === true
  const damaged = typeof spool?.movedAside === 'string'
  return {
    ...{ id: 'journal', name: 'Journal', does: 'writes to disk, then acknowledges', flows: true },
    level: full || damaged ? 'bad' : fillLevel(fill),
    ...journalNote({ full, damaged, fill }),
    ...(fill ? { fill } : {}),
    figures: [
      {
        label: 'outage bridged',
        value: full ? 'full' : days === undefined ? '–' : formatSpan(days * dayMs),
        meaning: 'How long the cloud may stay away before this disk is full, at the present rate.',
        ...(full ? { level: 'bad' as const } : {}),
      },
    ],
  }
}

function windows({ accounts }: PipelineAgent): Stage {
  const given: Figure[] =
    accounts.dropped > 0
      ? [
          {
            label: 'dropped',
            value: formatCount(accounts.dropped),
            meaning: 'Given up on purpose, by a limit or a full disk, and counted.',
            level: 'waiting',
          },
        ]
      : []
  return {
    ...{ id: 'windows', name: 'Windows', does: 'sums up minute by minute', level: 'good', flows: true },
    figures: [
      {
        label: 'readings open',
        value: formatCount(accounts.open),
        meaning: 'In windows that are still filling, or whose summary is not sent yet.',
      },
      {
        label: 'came again',
        value: formatCount(accounts.duplicate),
        meaning: 'The same reading once more: recognised and counted once.',
      },
      {
        label: 'too late',
        value: formatCount(accounts.tooLate),
        meaning: 'Came after its window could still be corrected: set aside and counted.',
      },
      ...given,
    ],
  }
}

function outbox(agent: PipelineAgent): Stage {
  const waitMs = oldestWaitMs(agent)
  const level: Level = waitMs !== undefined && waitMs > slowOutboxMs ? 'waiting' : 'good'
  return {
    ...{ id: 'outbox', name: 'Outbox', does: 'keeps summaries until receipted', level, flows: true },
    ...(level === 'good' ? {} : { note: `Summaries have waited for ${formatSpan(waitMs ?? 0)}.` }),
    figures: [
      {
        label: 'messages wait',
        value: countText(numberIn(agent.status?.spool, 'outboxMessages')),
        meaning: 'On the disk of the agent until the ingest says that it has them on its own.',
      },
      {
        label: 'oldest',
        value: waitMs === undefined ? 'none' : formatSpan(waitMs),
        meaning: 'How long the oldest of them has waited.',
        level,
      },
    ],
  }
}

function uplink(agent: PipelineAgent): Stage {
  const outstanding = numberIn(agent.status?.counters, 'outstanding')
  const { missingUpstream } = agent
  const level: Level = missingUpstream > 0 ? 'waiting' : 'good'
  return {
    ...{ id: 'uplink', name: 'Uplink', does: 'sends to the cloud', level, flows: agent.online },
    ...(level === 'good' ? {} : { note: `${formatCount(missingUpstream)} messages are still on their way.` }),
    figures: [
      {
        label: `of ${maxOutstanding} under way`,
        value: countText(outstanding),
        meaning: 'Messages sent whose receipt has not come back yet. No more than these are sent at once.',
      },
      {
        label: 'missing between',
        value: formatCount(missingUpstream),
        meaning: 'Numbers missing between the messages the ingest has: still on their way, not lost.',
        level,
      },
    ],
  }
}

/** The way of a reading through one agent. What an agent that is away last told stays, marked as such. */
export function agentStages(agent: PipelineAgent): Stage[] {
  const stages = [devices, collect, decode, journal, windows, outbox, uplink].map((stage) => stage(agent))
  const here = presenceOf(agent) === 'online'
  if (here) return stages.map((stage) => ({ ...stage, flows: stage.flows && (agent.readingsPerSecond ?? 0) > 0 }))
  return stages.map((stage) => ({ ...stage, flows: false, level: worstOf(['off', stage.level]) }))
}
