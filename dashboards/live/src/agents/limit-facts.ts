import type { PipelineAgent } from '@millrace/contracts'
import { formatCount, formatSpan } from '../model/format.ts'
import { dayMs } from '../model/step.ts'
import type { Figure } from '../pipeline/stage.ts'

const warnDays = 30

interface Collect {
  connections?: number
  denied?: number
  waiting?: string[]
  pauses?: number
  certificateEndMs?: number
}

function certificate(endMs: number, nowMs: number): Figure {
  const leftMs = endMs - nowMs
  const meaning = 'The certificate of this agent that ends first. A new file is used as soon as it is there.'
  const value = leftMs <= 0 ? 'has expired' : `ends in ${formatSpan(leftMs)}`
  const level = leftMs <= 0 ? 'bad' : leftMs < warnDays * dayMs ? 'waiting' : 'good'
  return { label: 'certificate', value, meaning, level }
}

/** Who sends to an agent, and what its limits do. */
export function limitFacts({ status }: PipelineAgent, nowMs: number): { title: string; figures: Figure[] } {
  const collect = (status?.counters?.collect ?? {}) as Collect
  const { connections, denied = 0, waiting = [], pauses = 0, certificateEndMs } = collect
  const held = waiting.length > 0 ? waiting.join(', ') : pauses > 0 ? 'nobody now' : 'nobody'
  return {
    title: 'Limits',
    figures: [
      {
        label: 'connections',
        value: connections === undefined ? '–' : formatCount(connections),
        meaning: 'Devices and bridges connected to its broker; none where it uses another broker.',
      },
      {
        ...{ label: 'over quota', value: held, level: waiting.length > 0 ? 'waiting' : 'good' },
        meaning: 'Who sends more than its quota while others keep to theirs: it waits, and nothing of it is lost.',
      },
      {
        label: 'denied',
        value: formatCount(denied),
        meaning: 'Connections, topics and passwords refused since its start.',
      },
      ...(certificateEndMs === undefined ? [] : [certificate(certificateEndMs, nowMs)]),
    ],
  }
}
