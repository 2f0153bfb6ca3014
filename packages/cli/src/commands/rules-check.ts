import { checkExitCode, checkFolder, checkLines } from '../rules/check.ts'
import { showProgress } from '../rules/progress.ts'
import { ingestOf, type ServerFlags, windowMsOf } from './rules-past.ts'

export interface CheckFlags extends ServerFlags {
  window: string
  json?: boolean
}

/** Exit code 2 where the rules cannot be used, 1 where one can never fire or its recording shows otherwise. */
export async function runRulesCheck(folder: string, flags: CheckFlags): Promise<number> {
  const progress = showProgress()
  const ingest = flags.url === undefined ? undefined : ingestOf(flags)
  const input = { folder, windowMs: windowMsOf(flags.window), ingest, progress }
  const result = await checkFolder(input).finally(progress.end)
  const code = checkExitCode(result)
  process.stdout.write(
    flags.json ? `${JSON.stringify({ ok: code === 0, ...result })}\n` : `${checkLines(result).join('\n')}\n`,
  )
  return code
}
