import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from '@millrace/pipeline'
import { runApp } from '../run-app.ts'
import { backupSuffix, ingestConfigOf } from './backup.ts'

export interface RestoreFlags {
  from: string
  dataDir: string
  config?: string
}

/** The file itself, or the newest in a folder. */
function backupIn(from: string): string {
  const path = resolve(from)
  const problem = (found: string) =>
    new UsageError('there is nothing to restore', [
      { path: '--from', found, expected: 'a backup, or a folder with one' },
    ])
  if (!existsSync(path)) throw problem(`${path}, which is not there`)
  if (!statSync(path).isDirectory()) return path
  const newest = readdirSync(path)
    .filter((name) => name.endsWith(backupSuffix))
    .toSorted()
    .at(-1)
  if (newest === undefined) throw problem(`no backup in ${path}`)
  return join(path, newest)
}

/** Into the stores and the empty data folder that the config of a stopped ingest names. */
export async function runRestore(flags: RestoreFlags): Promise<number> {
  const file = backupIn(flags.from)
  const code = await runApp('ingest', ['--config', ingestConfigOf(flags), '--restore', file])
  if (code === 0) process.stdout.write(`restored ${file}\n`)
  return code
}
