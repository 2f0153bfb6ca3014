import { pause } from '@millrace/pipeline'
import type { Screen } from '../up/screen.ts'
import { underWay } from '../verify/until-idle.ts'
import type { Ink } from './ink.ts'
import type { Target } from './target.ts'
import { clockTime, count } from './words.ts'

const drawEveryMs = 250
const turns = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'

export interface RecountBoardParts {
  screen: Screen
  ink: Ink
  target: Target
  elapsedMs(): number
}

async function left({ api }: Target): Promise<string> {
  const state = await api.agent()
  const open = state.devices.reduce((sum, device) => sum + device.open, 0)
  const { moving, merging } = await underWay(api, state)
  if (open + moving === 0)
    return merging ? 'everything has arrived; hours and days are merged' : 'everything has arrived and is recounted'
  return `${count(open)} readings in open windows, ${count(moving)} messages and changes on their way`
}

/** The live part of the display while everything is let drain and recounted, until the signal ends it. */
export async function showRecount({ screen, ink, target, elapsedMs }: RecountBoardParts, signal: AbortSignal) {
  for (let turn = 0; !signal.aborted; turn++) {
    const text = await left(target).catch(() => 'asking what is left')
    if (signal.aborted) break
    screen.status(`\n  ${ink.accent(turns[turn % turns.length]!)} ${ink.dim(clockTime(elapsedMs()))}  ${text}`)
    await pause(drawEveryMs, signal).catch(() => undefined)
  }
  screen.end()
}
