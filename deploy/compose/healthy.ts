import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** True when the service says that it is ready. */
export async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) }).catch(() => undefined)
  return answer?.ok === true
}

/** True when something in the folder was written within the time: the simulator rewrites its ledger every second. */
export async function isFresh(folder: string, { withinMs, now }: { withinMs: number; now: number }): Promise<boolean> {
  const names = await readdir(folder).catch(() => [])
  const times = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mtimeMs))
  return times.some((time) => now - time <= withinMs)
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { url: { type: 'string' }, fresh: { type: 'string' } } })
  const checks = [
    values.url === undefined ? undefined : isReady(values.url),
    values.fresh === undefined ? undefined : isFresh(values.fresh, { withinMs: 30_000, now: Date.now() }),
  ]
  process.exitCode = (await Promise.all(checks)).includes(false) ? 1 : 0
}
