import { type ClockState, clockNow, type MillraceError, readClockFile, writeClockFile } from '@millrace/pipeline'
import { onStopSignals } from '../run-app.ts'
import { demandInflux } from './demand-influx.ts'
import { readKeys } from './keys.ts'
import type { UpOptions } from './options.ts'
import { plainScreen, type Screen, startText, terminalScreen } from './screen.ts'
import { Session } from './session.ts'
import { Stack } from './stack.ts'
import { lockDataFolder } from './stack-lock.ts'
import type { ProcessEvents } from './supervised.ts'

const isTerminal = ({ keys }: UpOptions) => keys && process.stdin.isTTY && process.stdout.isTTY

function processEvents(screen: Screen, on: Pick<ProcessEvents, 'ended' | 'refused'>): ProcessEvents {
  return {
    line: (name, text) => screen.log(name, text),
    started: () => undefined,
    died: (name, how, waitMs) => screen.line(`${name} died (${how}); starting it again in ${waitMs} ms`),
    ...on,
  }
}

/** So that the next start goes on where this one stood. */
function holdClock(file: string): void {
  const state: ClockState = readClockFile(file)
  if (state.mode === 'running') writeClockFile(file, { mode: 'held', atMs: clockNow(state, Date.now()) })
}

interface UpRun {
  options: UpOptions
  screen: Screen
  /** Aborted when somebody wants it to end. */
  stopping: AbortController
  /** Aborted when somebody wants it to end and will not wait. */
  hurry: AbortSignal
}

function listen(session: Session, { options, stopping }: UpRun): () => void {
  const stop = () => stopping.abort()
  const toggle = () => session.toggleUplink()
  process.on('SIGUSR2', toggle)
  const actions = { k: () => session.killAgent(), u: toggle, v: () => session.verify(), q: stop }
  const release = isTerminal(options) ? readKeys(process.stdin, actions) : () => undefined
  return () => {
    process.off('SIGUSR2', toggle)
    release()
  }
}

const isAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })

/** Until it is stopped; with a duration, until that is over and all of it is stored. */
async function untilOver({ options, screen, stopping }: UpRun, session: Session, sent: Promise<void>): Promise<void> {
  const { signal } = stopping
  const showing = new AbortController()
  const shown = session.showAccounts(AbortSignal.any([signal, showing.signal]))
  await Promise.race([isAborted(signal), sent])
  if (options.durationMs === undefined) {
    if (!signal.aborted) screen.line('the simulator has sent everything; the rest runs on until it is stopped')
    await isAborted(signal)
  }
  showing.abort()
  await shown
  if (!signal.aborted) await session.untilStored(signal)
}

async function runStack(run: UpRun): Promise<void> {
  const { options, screen, stopping } = run
  const sent = Promise.withResolvers<void>()
  let refusal: MillraceError | undefined
  const refused = (error: MillraceError) => {
    refusal ??= error
    stopping.abort()
  }
  const stack = await Stack.prepare(
    options,
    processEvents(screen, { ended: (name) => name === 'simulator' && sent.resolve(), refused }),
  )
  const session = new Session(stack, screen)
  const release = listen(session, run)
  run.hurry.addEventListener('abort', () => stack.killAll())
  try {
    await stack.start(stopping.signal)
    screen.line(startText({ ...stack.options, keys: isTerminal(options) }))
    await untilOver(run, session, sent.promise)
  } catch (error) {
    if (!stopping.signal.aborted) throw error
  } finally {
    release()
    screen.end()
    screen.line('stopping ...')
    await stack.stop()
    holdClock(stack.clockFile)
    screen.line('stopped')
  }
  if (refusal) throw refusal
}

/** Runs everything on this machine until it is stopped, or until `--duration` is over and stored. */
export async function up(options: UpOptions): Promise<number> {
  if (options.influx !== undefined) await demandInflux(options.influx)
  const screen = isTerminal(options)
    ? terminalScreen(process.stdout)
    : plainScreen(process.stdout, () => performance.now())
  const lock = lockDataFolder(options.dataDir)
  const [stopping, hurry] = [new AbortController(), new AbortController()]
  const release = onStopSignals(() => (stopping.signal.aborted ? hurry : stopping).abort())
  // The terminal or the reader of the log is gone, and with it whoever could stop this.
  process.stdout.on('error', () => stopping.abort())
  try {
    await runStack({ options, screen, stopping, hurry: hurry.signal })
    return 0
  } finally {
    release()
    lock.release()
  }
}
