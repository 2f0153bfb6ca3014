import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { SmallDisk } from './target.ts'

/** Sets the soft limit alone, which its owner may raise again; false where that cannot be done. */
function limit(pid: number, bytes: number | 'unlimited'): boolean {
  return spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`], { stdio: 'ignore' }).status === 0
}

/** Of the database and its log: beside them lies room that is only held. */
function largestFile(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.db(-wal)?$/.test(file))
  return Math.max(0, ...files.map((file) => statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0))
}

const leastBytes = 1024 * 1024

/**
 * In place of a disk, for users who may mount none: the files of the agent's spool may not grow beyond the largest there is. It holds for
 * this process and what it starts meanwhile, so that it outlives the agent. Undefined where the system has no such limit.
 */
export function fileLimitAt(folder: string, agentPid: () => number | null): SmallDisk | undefined {
  if (!limit(process.pid, 'unlimited')) return undefined
  const setAll = (bytes: number | 'unlimited') => {
    for (const pid of [process.pid, agentPid()]) if (pid !== null) limit(pid, bytes)
  }
  let full = false
  const empty = () => {
    if (full) setAll('unlimited')
    full = false
  }
  return {
    kind: 'files that may not grow',
    fill() {
      if (!full) setAll(Math.max(leastBytes, largestFile(folder)))
      full = true
      return 'no file of the agent may grow any more, as on a disk without room'
    },
    empty,
    release: empty,
  }
}
