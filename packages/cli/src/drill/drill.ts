import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { drillSite } from '@millrace/contracts'
import { onStopSignals } from '../run-app.ts'
import { plainScreen, type Screen, terminalScreen } from '../up/screen.ts'
import { lockDataFolder, lockDrill } from '../up/stack-lock.ts'
import { removeFolder } from './folder.ts'
import { colourInk, type Ink, plainInk } from './ink.ts'
import type { DrillOptions } from './options.ts'
import { OwnStack } from './own-stack.ts'
import { reportLines } from './report.ts'
import { RunningStack } from './running-stack.ts'
import type { Scorecard } from './scorecard.ts'
import { Session } from './session.ts'
import { eventSpan } from './words.ts'

export interface Display {
  screen: Screen
  ink: Ink
  /** A live part is drawn at the bottom. */
  live: boolean
  /** Of the terminal. */
  columns?: number
}

/** At a terminal one live screen, elsewhere plain lines; beside `--json` on standard error. */
export function displayFor(json: boolean): Display {
  const out = json ? process.stderr : process.stdout
  const live = !json && out.isTTY
  const ink = live && out.hasColors() ? colourInk : plainInk
  const screen = live ? terminalScreen(out) : plainScreen(out, () => performance.now())
  return { screen, ink, live, ...(out.isTTY && { columns: out.columns }) }
}

export function show(card: Scorecard, { screen, ink, columns }: Display, json: boolean): void {
  for (const line of reportLines(card, ink, columns)) screen.line(line)
  if (json) process.stdout.write(`${JSON.stringify(card)}\n`)
}

function greet({ ports, dataDir, disk }: OwnStack, options: DrillOptions, { screen, ink }: Display): void {
  const { durationMs, keep, seed } = options
  const lines = [
    '',
    `  ${ink.bold('Millrace drill')}: what becomes of readings when everything goes wrong`,
    '',
    `  The page        ${ink.accent(`http://localhost:${ports.http}`)}   every fault is marked on its charts`,
    `  The stack       of its own, its time 60 times as fast: ${eventSpan(durationMs * 60)} in all`,
    `  Its data        ${dataDir}${keep ? '' : ', removed at the end'}${disk ? `; the agent on ${disk.kind}` : ''}`,
    `  Again           millrace drill --seed ${seed}      Stop: Ctrl-C`,
  ]
  for (const line of lines) screen.line(line)
}

function greetRunning({ ports, dataDir }: RunningStack, { screen, ink }: Display): void {
  const lines = [
    '',
    `  ${ink.bold('Millrace drill')} on the stack that runs on ${dataDir}`,
    '',
    `  The page        ${ink.accent(`http://localhost:${ports.http}`)}   every fault is marked on its charts`,
    `  Left behind     devices of the site ${drillSite}, which rules do not watch; its disk is not filled`,
  ]
  for (const line of lines) screen.line(line)
}

interface Stopping {
  stop: AbortController
  /** Somebody will not wait. */
  hurry: AbortController
}

async function onOwnStack(options: DrillOptions, display: Display, { stop, hurry }: Stopping): Promise<Scorecard> {
  const { screen } = display
  const file = join(options.dataDir, 'drill.log')
  screen.line('  starting a stack ...')
  const log = (name: string, text: string) => appendFileSync(file, `${name}: ${text}\n`)
  const stack = await OwnStack.start(options, { line: log, died: (name) => log(name, 'died') }, stop.signal)
  hurry.signal.addEventListener('abort', () => stack.killAll())
  try {
    greet(stack, options, display)
    return await new Session({ target: stack, options, display, run: '', fleetEnds: () => stack.endSimulator() }).run(
      stop.signal,
    )
  } finally {
    await stack.stop(options.keep)
  }
}

type Run = (display: Display, stopping: Stopping) => Promise<Scorecard>

/** Runs a drill until its end or Ctrl-C, and shows what was learned; the exit code. */
async function untilOver(json: boolean, run: Run): Promise<number> {
  const display = displayFor(json)
  const stopping = { stop: new AbortController(), hurry: new AbortController() }
  const release = onStopSignals(() => (stopping.stop.signal.aborted ? stopping.hurry : stopping.stop).abort())
  process.stdout.on('error', () => stopping.stop.abort())
  try {
    const card = await run(display, stopping)
    show(card, display, json)
    return card.ok ? 0 : 1
  } catch (error) {
    if (!stopping.stop.signal.aborted) throw error
    display.screen.line('  stopped before anything was learned')
    return 1
  } finally {
    release()
  }
}

/** Runs a drill on a stack of its own; exit code 0 where it passed. */
export async function drill(options: DrillOptions): Promise<number> {
  const lock = lockDataFolder(options.dataDir)
  try {
    return await untilOver(options.json, (display, stopping) => onOwnStack(options, display, stopping))
  } finally {
    lock.release()
    if (!options.keep) removeFolder(options.dataDir)
  }
}

/** Runs a drill on a stack that somebody uses, which goes on afterwards; never on its disk. */
export async function drillOnRunning(options: DrillOptions, tokenFile: string | undefined): Promise<number> {
  const lock = lockDrill(options.dataDir)
  try {
    const target = await RunningStack.join(options.dataDir, tokenFile)
    const acts = options.acts.filter((name) => name !== 'disk')
    return await untilOver(options.json, async (display, { stop }) => {
      greetRunning(target, display)
      const run = Date.now().toString(36)
      return await new Session({ target, options: { ...options, acts }, display, run }).run(stop.signal)
    })
  } finally {
    lock.release()
  }
}
