import { createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import {
  dataFolderHeader,
  dataFolderId,
  loadConfig,
  MillraceError,
  makeConfiguredFolders,
  readSecret,
  UsageError,
} from '@millrace/pipeline'
import { z } from 'zod'
import { runApp } from '../run-app.ts'
import { ingestDataIn, stackPaths } from '../up/config-files.ts'
import { isAlive, readRunFile } from '../up/run-file.ts'
import { urlOf } from '../verify/api.ts'

export interface BackupFlags {
  to: string
  dataDir: string
  config?: string
  url?: string
  tokenFile?: string
  store?: string
}

const loopback = '127.0.0.1'
const defaultPort = 8080

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

interface Asked {
  url: string
  /** Id of the data folder that the ingest there has to be on; undefined where the address alone was given. */
  dataFolder?: string
  /** The file that holds its token, and the setting or flag that names it. */
  token?: { file: string; setting: string }
}

const fileSettings = z.object({
  dataDir: z.string(),
  http: z
    .object({
      host: z.string().default(loopback),
      port: z.number().default(defaultPort),
      tokenFile: z.string().optional(),
    })
    .prefault({}),
})

/** Where an ingest that listens on every address is reached from here. */
const anyAddress: Record<string, string> = { '0.0.0.0': loopback, '::': '::1' }

async function askedByConfig(config: string): Promise<Asked> {
  const { dataDir, http } = await loadConfig(ingestConfigOf({ config, dataDir: '' }), fileSettings)
  const host = anyAddress[http.host] ?? http.host
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${http.port}`
  const token = http.tokenFile === undefined ? {} : { token: { file: http.tokenFile, setting: 'http.tokenFile' } }
  return { url, dataFolder: dataFolderId(dataDir), ...token }
}

/** Undefined where the stack was stopped, or killed: its port may be another stack's by now. */
function askedByStack(dataDir: string): Asked | undefined {
  const run = readRunFile(dataDir)
  if (run && (run.pid === null || !isAlive(run.pid))) return undefined
  const port = run?.ports.http ?? defaultPort
  return { url: `http://${loopback}:${port}`, dataFolder: dataFolderId(ingestDataIn(dataDir)) }
}

async function askedBy({ url, config, dataDir }: BackupFlags): Promise<Asked | undefined> {
  if (url !== undefined) return { url }
  return config === undefined ? askedByStack(resolve(dataDir)) : await askedByConfig(config)
}

/** The answer of a running ingest; undefined where none runs there, or one on another data folder. */
async function ask(
  { store, tokenFile }: BackupFlags,
  { url, dataFolder, token }: Asked,
): Promise<Response | undefined> {
  const address = urlOf({ url, flag: '--url' }, '/api/backup')
  if (store !== undefined) address.searchParams.set('store', store)
  const headers = new Headers({ 'x-millrace': 'backup' })
  const secret = tokenFile === undefined ? token : { file: tokenFile, setting: '--token-file' }
  if (secret) headers.set('authorization', `Bearer ${readSecret(secret.file, secret.setting)}`)
  if (dataFolder !== undefined) headers.set(dataFolderHeader, dataFolder)
  const response = await fetch(address, { headers }).catch(() => undefined)
  if (dataFolder === undefined || response?.headers.get(dataFolderHeader) === dataFolder) return response
  await response?.body?.cancel()
  return undefined
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
  makeConfiguredFolders(folder, '--to')
  const file = fileIn(folder, new Date())
  const partial = `${file}.partial`
  try {
    const asked = await askedBy(flags)
    const running = asked && (await ask(flags, asked))
    const code = running ? await fromRunning(running, partial) : await fromStopped(flags, partial)
    if (code !== 0) return code
    renameSync(partial, file)
  } finally {
    rmSync(partial, { force: true })
  }
  process.stdout.write(`${file} (${statSync(file).size} bytes)\n`)
  return 0
}
