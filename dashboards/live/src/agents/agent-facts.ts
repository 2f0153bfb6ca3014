import type { PipelineAgent, StatusBody } from '@millrace/contracts'
import { describeReasons } from '../model/accounts.ts'
import { deviceClocksOf, stateWords, worstWords } from '../model/device-clock.ts'
import { formatBytes, formatCount, formatLocal, formatLocalTime, formatRate, formatSpan } from '../model/format.ts'
import { dayMs } from '../model/step.ts'
import { oldestWaitMs } from '../pipeline/agent-stages.ts'
import { countText, type Figure, numberIn } from '../pipeline/stage.ts'
import { clockOf } from './clock.ts'
import { limitFacts } from './limit-facts.ts'

export interface FactGroup {
  title: string
  figures: Figure[]
}

const figure = (label: string, value: string, meaning: string): Figure => ({ label, value, meaning })

function counts(value: unknown): Record<string, number> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).filter(([, count]) => typeof count === 'number'))
}

function recordIn(values: Readonly<Record<string, unknown>> | undefined, name: string): Record<string, number> {
  return counts(values?.[name])
}

function lastSeenText({ lastSeenMs, silentMs }: PipelineAgent): string {
  if (lastSeenMs === null) return 'never'
  return (silentMs ?? 0) < dayMs / 2 ? formatLocalTime(lastSeenMs) : formatLocal(lastSeenMs)
}

function program(agent: PipelineAgent): FactGroup {
  const { status, restarts, readingsPerSecond } = agent
  const rate = readingsPerSecond === null ? '–' : formatRate(readingsPerSecond)
  return {
    title: 'Program',
    figures: [
      figure('last heard', lastSeenText(agent), 'When its newest status came, by the clock of the ingest.'),
      figure('readings/s', rate, 'Readings accepted each second, over the last ten seconds.'),
      figure('version', status?.version ?? '–', 'Version of the program.'),
      figure(
        'settings',
        status?.settingsHash?.slice(0, 12) ?? '–',
        'Fingerprint of its settings: agents with the same one are set alike.',
      ),
      figure('start', status?.epoch ?? '–', 'Name of its present start. Every start has another one.'),
      figure('restarts seen', formatCount(restarts), 'Starts that this ingest has seen since it was started itself.'),
    ],
  }
}

function deviceClocks(status: StatusBody | null): Figure[] {
  const devices = deviceClocksOf(status)
  if (!devices) return []
  const { good = 0, unknown = 0, ...off } = devices.states
  const isOff = Object.values(off).some((count) => count > 0)
  const worst = worstWords(devices)
  const meaning =
    'How the devices’ clocks are, told from when their messages come. Unknown: they send no time, or too few.'
  return [
    { ...figure('devices’ clocks', stateWords(devices), meaning), level: isOff ? 'waiting' : 'good' },
    ...(worst
      ? [figure('furthest off', worst, 'The device whose clock differs most from the time of this agent.')]
      : []),
    ...(devices.restamped > 0
      ? [
          figure(
            'times corrected',
            formatCount(devices.restamped),
            'Readings given another time since the start, as their site asks for it.',
          ),
        ]
      : []),
  ]
}

function clock({ status }: PipelineAgent): FactGroup {
  const { level, trust, anchored, offset, steps } = clockOf(status)
  return {
    title: 'Clock',
    figures: [
      { ...figure('trusts', trust, 'Who vouches for the time that this agent goes by.'), level },
      {
        ...figure(
          'anchored',
          anchored ? 'yes' : 'no',
          'Whether the agent knows the time. Before that no window closes.',
        ),
        level: anchored || level === 'off' ? 'good' : 'waiting',
      },
      figure('differs', offset, 'The time the agent goes by, against the wall clock of its machine.'),
      figure('steps followed', steps, 'Jumps of the wall clock that lasted, and that the agent followed.'),
      ...deviceClocks(status),
    ],
  }
}

function spool(agent: PipelineAgent): FactGroup {
  const values = agent.status?.spool
  const days = numberIn(values, 'bridgesDays')
  const name = values?.name
  const full = values?.full === true
  return {
    title: 'Spool',
    figures: [
      {
        ...figure(
          'state',
          full ? 'full' : 'takes readings',
          'A full spool makes devices wait, or gives up the oldest, as configured.',
        ),
        level: full ? 'bad' : 'good',
      },
      figure(
        'outage bridged',
        days === undefined ? '–' : formatSpan(days * dayMs),
        'How long the cloud may stay away before this disk is full, at the present rate.',
      ),
      figure(
        'name',
        typeof name === 'string' ? name.slice(0, 12) : '–',
        'Name of the file: another one means that the agent began anew.',
      ),
    ],
  }
}

function uplink(agent: PipelineAgent): FactGroup {
  const { status, missingUpstream } = agent
  const waitMs = oldestWaitMs(agent)
  return {
    title: 'Uplink',
    figures: [
      figure(
        'messages wait',
        countText(numberIn(status?.spool, 'outboxMessages')),
        'Summaries on the disk of the agent without a receipt yet.',
      ),
      figure(
        'oldest',
        waitMs === undefined ? 'none waits' : formatSpan(waitMs),
        'How long the oldest of them has waited.',
      ),
      figure(
        'under way',
        countText(numberIn(status?.counters, 'outstanding')),
        'Messages sent whose receipt has not come back yet, 32 at most.',
      ),
      {
        ...figure(
          'missing',
          formatCount(missingUpstream),
          'Numbers missing between the messages the ingest has: not lost, still to come.',
        ),
        level: missingUpstream > 0 ? 'waiting' : 'good',
      },
    ],
  }
}

function floorText(status: StatusBody | null): string {
  const { lowestMs, highestMs } = recordIn(status?.counters, 'floors')
  if (lowestMs === undefined || highestMs === undefined) return '–'
  // Month, day, hour and minute.
  const [lowest, highest] = [lowestMs, highestMs].map((ms) => formatLocal(ms).slice(5, 16))
  if (lowest === highest) return `${lowest}`
  return lowest?.slice(0, 5) === highest?.slice(0, 5) ? `${lowest} to ${highest?.slice(6)}` : `${lowest} to ${highest}`
}

function devices({ status, devices: known }: PipelineAgent): FactGroup {
  const values = status?.counters
  const spanMs = numberIn(values, 'amendSpanMs')
  const perDay = recordIn(values, 'disk').bytesPerDay
  const aside = describeReasons(recordIn(values, 'deadLetters'))
  return {
    title: 'Devices and disk',
    figures: [
      figure('devices', countText(numberIn(values, 'devices') ?? known), 'Devices it has ever heard.'),
      figure(
        'series',
        countText(numberIn(values, 'series')),
        'Different measurements: one per site, device and metric.',
      ),
      figure(
        'corrects for',
        spanMs === undefined ? '–' : formatSpan(spanMs),
        'How late a reading may come and still be counted in its window.',
      ),
      figure(
        'floors',
        floorText(status),
        'Each device has its own line; what is older is too late. The lowest and the highest of them.',
      ),
      figure('set aside', aside === '' ? 'nothing' : aside, 'Inputs that were no usable readings, by reason.'),
      figure(
        'written',
        perDay === undefined ? '–' : `${formatBytes(perDay)} a day`,
        'Bytes sent to its disk, at the pace of the last hour; its start is left out. It is what wears an SD card.',
      ),
    ],
  }
}

/** What is known of an agent, in groups. */
export function factsOf(agent: PipelineAgent): FactGroup[] {
  return [program(agent), clock(agent), spool(agent), uplink(agent), devices(agent), limitFacts(agent, Date.now())]
}
