import { spawnSync } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { SmallDisk } from './target.ts'

/** Room for the agent of a drill; in memory, so no more than it needs. */
const bytes = 96 * 1024 * 1024
const block = Buffer.alloc(1024 * 1024)
const smallest = 512

/** Writes until nothing more fits. */
function fillUp(file: number): void {
  let size = block.length
  while (size >= smallest) {
    try {
      writeSync(file, block, 0, size)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      size /= 2
    }
  }
}

const succeeds = (command: string, args: readonly string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** A file system of its own in memory, mounted on the folder; undefined where this user may mount none. */
export function smallDiskAt(folder: string): SmallDisk | undefined {
  mkdirSync(folder, { recursive: true })
  if (!succeeds('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'millrace-drill', folder])) return undefined
  const ballast = join(folder, 'ballast')
  let mounted = true
  return {
    kind: `a disk of ${bytes / 1024 ** 2} MiB`,
    fill() {
      const file = openSync(ballast, 'a')
      try {
        fillUp(file)
      } finally {
        closeSync(file)
      }
      const filled = Math.round(statSync(ballast).size / 1024 ** 2)
      return `the disk of the agent is full: ${filled} MiB of ballast, not a byte left`
    },
    empty: () => rmSync(ballast, { force: true }),
    release(keep) {
      if (!mounted) return
      mounted = false
      const copy = `${folder}.kept`
      if (keep) cpSync(folder, copy, { recursive: true })
      unmount(folder)
      if (!keep) return
      rmSync(folder, { recursive: true })
      renameSync(copy, folder)
    },
  }
}

/** Also where something still has a file of it open. */
export function unmount(folder: string): void {
  if (!succeeds('umount', [folder])) succeeds('umount', ['-l', folder])
}
