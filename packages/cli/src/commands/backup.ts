import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { MillraceError, UsageError } from '@millrace/pipeline'
import { runApp } from '../run-app.ts'
import { stackPaths } from '../up/config-files.ts'
import { readRunFile } from '../up/run-file.ts'

export interface BackupFlags {
  to: string
  dataDir: string
  config?: string
  url?: string
  tokenFile?: string
  store?: string
}

export const backupSuffix = '.millrace-backup'

/** Names sort by time. */
function fileIn(folder: string, now: Date): string {
  return join(folder, `${now.toISOString().replace(/[:.]/g, '-')}${backupSuffix}`)
}

/** Config of a stopped ingest, as given or as `millrace up` wrote it. */
export function ingestConfigOf({ config, dataDir }: { config?: string; dataDir: string }): string {
  const file = resolve(config ?? stackPaths(resolve(dataDir)).ingestConfig)
  if (existsSync(file)) return file
  throw new UsageError('which ingest?', [
    {
      path: '--config',
      found: `nothing in ${file}`,
      expected: 'the config file of the ingest, or --data-dir of a stack',
    },
  ])
}

function urlOf({ url, config, dataDir }: BackupFlags): string {
  if (url !== undefined) return url
  const port = config === undefined ? readRunFile(resolve(dataDir))?.ports.http : undefined
  return `http://127.0.0.1:${port ?? 8080}`
}

/** The answer of a running ingest; undefined where none runs there. */
async function ask(flags: BackupFlags): Promise<Response | undefined> {
  const { store, tokenFile } = flags
  const url = new URL('/api/backup', urlOf(flags))
  if (store !== undefined) url.searchParams.set('store', store)
  const token = tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8').trim()
  const headers = { 'x-millrace': 'backup', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  return await fetch(url, { headers }).catch(() => undefined)
}

async function fromRunning(response: Response, file: string): Promise<number> {
  if (!response.ok || response.body === null) {
    const said = (await response.text()).slice(0, 300)
    throw new MillraceError('check-failed', `the ingest at ${response.url} answered ${response.status}: ${said}`)
  }
  await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(file, { mode: 0o600 }))
  return 0
}

async function fromStopped(flags: BackupFlags, file: string): Promise<number> {
  if (flags.url !== undefined)
    throw new MillraceError('unreachable', `no answer at ${flags.url}`, {
      hint: 'Is it running? Without --url, a stopped ingest is backed up from its files.',
    })
  const store = flags.store === undefined ? [] : ['--store', flags.store]
  return await runApp('ingest', ['--config', ingestConfigOf(flags), '--backup', file, ...store])
}

/** One file in the folder: the ingest's spool and every row of one store. From a running ingest, else from its files. */
export async function runBackup(flags: BackupFlags): Promise<number> {
  const folder = resolve(flags.to)
  mkdirSync(folder, { recursive: true })
  const file = fileIn(folder, new Date())
  const partial = `${file}.partial`
  try {
    const running = await ask(flags)
    const code = running ? await fromRunning(running, partial) : await fromStopped(flags, partial)
    if (code !== 0) return code
    renameSync(partial, file)
  } finally {
    rmSync(partial, { force: true })
  }
  process.stdout.write(`${file} (${statSync(file).size} bytes)\n`)
  return 0
}
