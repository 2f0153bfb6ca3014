import type { PipelineAgent } from '@millrace/contracts'
import { clockOf } from '../agents/clock.ts'
import { formatCount, formatSpan } from '../model/format.ts'
import { agentStages, presenceOf } from './agent-stages.ts'
import type { Level, Stage } from './stage.ts'

export interface Trouble {
  level: Level
  text: string
}

function ofPresence(agent: PipelineAgent, name: string): Trouble[] {
  const presence = presenceOf(agent)
  const span = formatSpan(agent.silentMs ?? 0)
  if (presence === 'offline') return [{ level: 'bad', text: `${name} has been offline for ${span}.` }]
  if (presence === 'silent') return [{ level: 'waiting', text: `${name} has said nothing for ${span}.` }]
  if (presence === 'unseen')
    return [{ level: 'waiting', text: `${name} has not been heard since this ingest started.` }]
  return []
}

function ofStages(stages: readonly Stage[], name: string): Trouble[] {
  return stages.flatMap(({ note, level, name: stage }) => (note ? [{ level, text: `${name}, ${stage}: ${note}` }] : []))
}

function ofClock({ status }: PipelineAgent, name: string): Trouble[] {
  const { level, text } = clockOf(status)
  return level === 'waiting' || level === 'bad' ? [{ level, text: `${name}, clock: ${text}` }] : []
}

function ofAgent(agent: PipelineAgent): Trouble[] {
  const name = `Agent ${agent.site} / ${agent.agent}`
  const left = agent.accounts.unaccounted
  const lost: Trouble[] =
    left === 0 ? [] : [{ level: 'bad', text: `${name}: ${formatCount(left)} readings are unaccounted for.` }]
  return [...lost, ...ofPresence(agent, name), ...ofClock(agent, name), ...ofStages(agentStages(agent), name)]
}

/** What needs a look, worst first; empty where all is well. */
export function troublesOf(agents: readonly PipelineAgent[], ingest: readonly Stage[]): Trouble[] {
  const all = [...agents.flatMap(ofAgent), ...ofStages(ingest, 'Ingest')]
  return all.sort((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'))
}
