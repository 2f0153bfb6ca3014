import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'

const files = ['spool.db', 'spool.db-wal', 'spool.db-shm']

/** Puts a closed spool beside its place, so that a new one is begun; nothing of it is deleted. Returns its new path. */
export function setSpoolApart(folder: string, atMs: number): string {
  const suffix = `.unreadable-${new Date(atMs).toISOString().replaceAll(':', '-')}`
  for (const file of files) {
    const path = join(folder, file)
    if (existsSync(path)) renameSync(path, `${path}${suffix}`)
  }
  return join(folder, `spool.db${suffix}`)
}
