import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'

type Write = (handle: number, bytes: Uint8Array) => number

/** Writes every byte; the system may take fewer at once than it is given. */
export function writeWhole(handle: number, bytes: Uint8Array, write: Write = writeSync): void {
  for (let left = bytes; left.length > 0; ) left = left.subarray(write(handle, left))
}

/** The spool's file while it grows. */
export class SpoolFile {
  private readonly path: string
  private readonly handle: number

  constructor(path: string) {
    this.path = path
    this.handle = openSync(path, 'w', 0o600)
  }

  append(bytes: Uint8Array): void {
    writeWhole(this.handle, bytes)
  }

  place(file: string): void {
    fsyncSync(this.handle)
    this.close()
    renameSync(this.path, file)
  }

  close(): void {
    closeSync(this.handle)
  }
}
