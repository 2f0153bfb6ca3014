import { describeError, exitCodeOf } from './errors.ts'

export interface Running {
  /** Flushes and closes within the service's `stopWithinMs`. */
  stop(): Promise<void>
  /** Settles when the service can go on no longer, with the error if it failed, or when its work is done. */
  ended?: Promise<unknown>
}

export interface Service {
  name: string
  /** The signal is aborted when the process is told to stop, also while this is still running. */
  start(signal: AbortSignal): Promise<Running>
  /** Default 5000. */
  stopWithinMs?: number
}

const exitBySignal: Record<string, number> = { SIGINT: 130, SIGTERM: 143 }

/** Whoever read the output may end before the service does. */
function ignoreGoneReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/**
 * The body of a service's main.ts: runs it until SIGTERM, SIGINT, the end of the parent or its own end, then exits.
 * A second signal exits at once. Errors meant for people are printed without a stack; the exit code is the error's.
 */
export async function runService({ name, start, stopWithinMs = 5000 }: Service): Promise<never> {
  const stopping = new AbortController()
  const stopAsked = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()))
  const fail = (error: unknown): never => {
    process.stderr.write(`${name}: ${describeError(error)}\n`)
    return process.exit(exitCodeOf(error))
  }
  const ask = (signal: string) => {
    if (stopping.signal.aborted) process.exit(exitBySignal[signal] ?? 1)
    stopping.abort(new Error(`stopped by ${signal}`))
  }
  process.on('SIGTERM', ask)
  process.on('SIGINT', ask)
  process.on('uncaughtException', fail)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreGoneReader)
  if (process.connected) process.once('disconnect', () => stopping.abort(new Error('the parent process ended')))
  try {
    const running = await start(stopping.signal)
    await Promise.race([stopAsked, running.ended ?? stopAsked])
    stopping.abort(new Error('the service ended'))
    await withinDeadline(running.stop(), stopWithinMs)
  } catch (error) {
    if (!stopping.signal.aborted || error !== stopping.signal.reason) return fail(error)
  }
  return process.exit(0)
}

async function withinDeadline(work: Promise<void>, withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`did not stop within ${withinMs} ms`)), withinMs)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
