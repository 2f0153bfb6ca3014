import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A control group with a limit of memory: what is in it meets the kernel's own end of a process. */
export interface MemoryLimit {
  add(pid: number): void
  /** The first that the kernel picks when memory is short. */
  prefer(pid: number): void
  /** Processes that the kernel ended so far; undefined where it does not say. */
  readonly ended: number | undefined
  remove(): void
}

const second = '/sys/fs/cgroup/cgroup.controllers'
const first = '/sys/fs/cgroup/memory'

function numberAfter(file: string, word: string): number | undefined {
  const found = new RegExp(`^${word} (\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))
  return found ? Number(found[1]) : undefined
}

/** Undefined where this system lets nobody here make one: it takes Linux, and mostly root. */
export function makeMemoryLimit(bytes: number): MemoryLimit | undefined {
  const unified = existsSync(second)
  const group = join(
    unified ? '/sys/fs/cgroup' : first,
    `millrace-faults-${process.pid}-${Math.random().toString(36).slice(2)}`,
  )
  try {
    mkdirSync(group)
    writeFileSync(join(group, unified ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes))
  } catch {
    if (existsSync(group)) rmdirSync(group)
    return undefined
  }
  return {
    add(pid) {
      writeFileSync(join(group, 'cgroup.procs'), String(pid))
    },
    prefer(pid) {
      writeFileSync(`/proc/${pid}/oom_score_adj`, '1000')
    },
    get ended() {
      return numberAfter(join(group, unified ? 'memory.events' : 'memory.oom_control'), 'oom_kill')
    },
    remove() {
      rmdirSync(group)
    },
  }
}
