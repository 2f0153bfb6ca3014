import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { type App, appArguments } from './apps.ts'

/** A terminal, npm and the launcher may each pass on one Ctrl-C; within this time it is one. */
const sameSignalMs = 1000

/** Calls `handle` once for each time that somebody asks the process to end; returns how to stop listening. */
export function onStopSignals(handle: (signal: NodeJS.Signals) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let lastMs = Number.NEGATIVE_INFINITY
  const heard = (signal: NodeJS.Signals) => {
    const now = performance.now()
    const repeated = now - lastMs < sameSignalMs
    lastMs = now
    if (!repeated) handle(signal)
  }
  for (const signal of signals) process.on(signal, heard)
  return () => {
    for (const signal of signals) process.off(signal, heard)
  }
}

export function exitCodeOfChild(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal ? constants.signals[signal] : 0)
}

/**
 * Runs an app in the foreground and resolves with its exit code. It has a process group of its own, so that a
 * Ctrl-C reaches it once, from here; the channel tells it when this process is gone.
 */
export function runApp(app: App, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, appArguments(app, args), {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      detached: true,
    })
    const release = onStopSignals((signal) => child.kill(signal))
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      release()
      resolve(exitCodeOfChild(code, signal))
    })
  })
}
