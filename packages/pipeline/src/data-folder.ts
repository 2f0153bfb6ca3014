import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'

/** With it a service says on which data folder it runs, and a client on which one it has to. */
export const dataFolderHeader = 'x-millrace-data-folder'

/** The same for two processes exactly where both mean the same folder of the same machine; says neither name. */
export function dataFolderId(folder: string): string {
  return createHash('sha256')
    .update(JSON.stringify([hostname(), realOf(resolve(folder))]))
    .digest('hex')
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
