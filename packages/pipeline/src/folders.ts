import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UsageError } from './errors.ts'
import { syncFolder } from './sync-folder.ts'

/**
 * Makes a folder and what is missing above it, so that a power cut takes none of them with what is put into them; returns
 * the first one it made, undefined where all was there. Not Node's recursive mkdir, which never returns where the system
 * says of a folder in one that exists that it does not, as /proc does.
 */
export function makeFolders(folder: string): string | undefined {
  const path = resolve(folder)
  if (isFolder(path)) return undefined
  const above = dirname(path)
  const first = above === path ? undefined : makeFolders(above)
  try {
    mkdirSync(path)
  } catch (error) {
    // Another process may have made it just now.
    if (!isFolder(path)) throw error
  }
  syncFolder(above)
  return first ?? path
}

/** The same for a folder that a setting or flag names: throws a UsageError that names it too. */
export function makeConfiguredFolders(folder: string, setting: string): string | undefined {
  try {
    return makeFolders(folder)
  } catch (cause) {
    const found = `${folder}, which cannot be made: ${cause instanceof Error ? cause.message : String(cause)}`
    const problem = { path: setting, found, expected: 'a folder in which this user may write' }
    throw new UsageError('a folder cannot be made', [problem], { cause })
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
