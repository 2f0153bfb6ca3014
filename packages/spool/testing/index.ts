import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { journal } from '../src/index.ts'
import type { SpoolOptions } from '../src/types.ts'

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'millrace-spool-'))
}

export function spoolOptions(folder: string, changes: Partial<SpoolOptions> = {}): SpoolOptions {
  return {
    folder,
    application: 'test',
    version: 1,
    schema: [...journal.schema, 'CREATE TABLE twins (id INTEGER PRIMARY KEY) STRICT'],
    maxBytes: 64 * 1024 * 1024,
    reserveBytes: 64 * 1024,
    ...changes,
  }
}

export interface Child {
  process: ChildProcess
  /** Lines of its standard output so far. */
  lines: string[]
  /** Standard error so far. */
  errors(): string
  exited: Promise<number | null>
}

/** Starts a script of this folder as a process of its own. */
export function startChild(script: string, args: readonly string[]): Child {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const errors: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { process: child, lines, errors: () => errors.join(''), exited }
}
