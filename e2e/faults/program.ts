import { spawnSync } from 'node:child_process'

const patienceMs = 15_000

/** Whether this machine has it. */
export function isThere(program: string): boolean {
  return spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined
}

/**
 * Aborted by the first Ctrl-C, which ends the run and cleans up; the second ends at once. What still runs is killed at
 * the exit of this process.
 */
export function listenForStop(): AbortSignal {
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(130)
      process.exitCode = 130
      stopping.abort(new Error(`stopped by ${name}`))
      setTimeout(() => process.exit(130), patienceMs).unref()
    })
  }
  return stopping.signal
}

/** Lines with the seconds since then, on standard error. */
export function teller(beganAt: number): (line: string) => void {
  return (line) => {
    process.stderr.write(`${((performance.now() - beganAt) / 1000).toFixed(1).padStart(7)} s  ${line}\n`)
  }
}
