import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '@millrace/pipeline'
import { z } from 'zod'

const marker = z.object({ backup: z.string(), file: z.string() })

/** A backup by what is in it, wherever the file lies. */
export type Begun = z.infer<typeof marker>

const pathIn = (dataDir: string) => join(dataDir, 'restore-begun')

/** The restore that did not come to its end here; 'unknown' where the marker does not say which. */
export function begunIn(dataDir: string): Begun | 'unknown' | undefined {
  if (!existsSync(pathIn(dataDir))) return undefined
  try {
    return marker.parse(JSON.parse(readFileSync(pathIn(dataDir), 'utf8')))
  } catch {
    return 'unknown'
  }
}

export function markBegun(dataDir: string, begun: Begun): void {
  writeFileSync(pathIn(dataDir), `${JSON.stringify(begun)}\n`, { flush: true })
}

export function unmark(dataDir: string): void {
  rmSync(pathIn(dataDir))
}

export const howToGoOn =
  'Restore the same backup once more, or empty the stores and remove this data folder to begin anew.'

/** Throws where a restore was interrupted: what is there is a part of a backup. */
export function demandNoHalfRestore(dataDir: string): void {
  const begun = begunIn(dataDir)
  if (begun === undefined) return
  const of = begun === 'unknown' ? 'a backup' : begun.file
  const problem = {
    path: 'dataDir',
    found: `a part of ${of} in ${dataDir}`,
    expected: 'a restore that came to its end',
  }
  throw new UsageError('a restore was interrupted here', [problem], { hint: howToGoOn })
}
