import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import type { InspectedSpool } from '@millrace/contracts'
import { MillraceError, UsageError } from '@millrace/pipeline'
import { type App, appArguments } from '../apps.ts'
import { inspectedText } from '../explain/spool-text.ts'
import { agentDataIn, ingestDataIn } from '../up/config-files.ts'

export interface InspectFlags {
  dataDir: string
  json?: boolean
}

/** Each service reads its own tables; nothing is changed. */
async function askApp(app: App, folder: string): Promise<InspectedSpool> {
  const child = spawn(process.execPath, appArguments(app, ['--inspect-spool', folder]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<number | null>((done, fail) => {
    child.once('error', fail)
    child.once('close', done)
  })
  const [answer, code] = await Promise.all([text(child.stdout), exited])
  if (code === 0) return JSON.parse(answer) as InspectedSpool
  throw new MillraceError(code === 2 ? 'usage' : 'check-failed', `the spool in ${folder} cannot be inspected`)
}

async function inspect(folder: string): Promise<InspectedSpool> {
  const found = await askApp('agent', folder)
  return found.application === 'millrace-ingest' ? await askApp('ingest', folder) : found
}

const holdsSpool = (folder: string) => existsSync(join(folder, 'spool.db'))

/** A spool's own folder, the data folder of a service, or that of a stack. */
function foldersIn(folder: string): string[] {
  const root = resolve(folder)
  const places = [root, join(root, 'spool'), agentDataIn(root), join(ingestDataIn(root), 'spool')].filter(holdsSpool)
  if (places.length > 0) return places
  const problem = {
    path: 'FOLDER',
    found: `${root} without a spool.db`,
    expected: 'the folder of a spool or of a stack',
  }
  throw new UsageError('there is no spool', [problem])
}

/** Exit code 1 where something is damaged, foreign or cannot be read. */
export async function runSpoolInspect(folder: string | undefined, flags: InspectFlags): Promise<number> {
  const spools: InspectedSpool[] = []
  for (const one of foldersIn(folder ?? flags.dataDir)) spools.push(await inspect(one))
  process.stdout.write(`${flags.json ? JSON.stringify(spools) : spools.map(inspectedText).join('\n\n')}\n`)
  return spools.every(({ problem, unreadable }) => problem === null && Object.keys(unreadable).length === 0) ? 0 : 1
}
