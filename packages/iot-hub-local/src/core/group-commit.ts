import type { Spool, Statement } from '@millrace/spool'

interface Waiting {
  statements: readonly Statement[]
  resolve(): void
  reject(error: unknown): void
}

export interface GroupCommit {
  /** On disk when it resolves. What comes while a commit is under way shares the next one, in order. */
  write(statements: readonly Statement[]): Promise<void>
}

async function commit(spool: Spool, group: readonly Waiting[]): Promise<void> {
  const statements = group.flatMap((waiting) => waiting.statements)
  try {
    await spool.write(statements, { reserve: true })
    for (const { resolve } of group) resolve()
  } catch (error) {
    for (const { reject } of group) reject(error)
  }
}

/** For state: it may use the reserve, so that a full log never keeps a device from being disabled. */
export function groupCommit(spool: Spool): GroupCommit {
  const waiting: Waiting[] = []
  let running = false
  const run = async () => {
    running = true
    while (waiting.length > 0) await commit(spool, waiting.splice(0))
    running = false
  }
  return {
    write(statements) {
      const done = new Promise<void>((resolve, reject) => waiting.push({ statements, resolve, reject }))
      if (!running) void run()
      return done
    },
  }
}
