import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'

/** The spool's file while it grows. */
export class SpoolFile {
  private readonly path: string
  private readonly handle: number

  constructor(path: string) {
    this.path = path
    this.handle = openSync(path, 'w', 0o600)
  }

  append(bytes: Uint8Array): void {
    writeSync(this.handle, bytes)
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
