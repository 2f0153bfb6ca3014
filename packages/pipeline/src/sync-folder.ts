import { closeSync, fsyncSync, openSync } from 'node:fs'

/** What was made or renamed in the folder outlives a power cut from now on. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
}
