import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { makeConfiguredFolders, UsageError } from '@millrace/pipeline'
import { type HostLine, hostLineSchema, type Run, runSchema } from './run-file.ts'

const runFile = /^run-(\d+)\.json$/

/** All runs of a ledger folder, oldest first; none where there is no folder. Throws a UsageError for a damaged file. */
export function readRuns(folder: string): Run[] {
  if (!existsSync(folder)) return []
  const numbers = readdirSync(folder).flatMap((name) => runFile.exec(name)?.[1] ?? [])
  return numbers
    .map(Number)
    .sort((a, b) => a - b)
    .map((n) => readRun(join(folder, `run-${n}.json`)))
}

function readRun(file: string): Run {
  try {
    return runSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new UsageError(`${file} is not a ledger of this version`, [], {
      cause,
      hint: 'Name another folder with --ledger, or move this one away.',
    })
  }
}

/** The measured readings of a run, in the order they were made. A last line cut short by a crash was never sent. */
export function readHostLines(folder: string, run: number): HostLine[] {
  const file = hostFile(folder, run)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.slice(0, -1).map((line) => hostLineSchema.parse(JSON.parse(line)))
}

const hostFile = (folder: string, run: number) => join(folder, `host-${run}.ndjson`)

/** Writes the file of one run, each time whole, and its measured readings. */
export interface RunWriter {
  /** Resolves when the state is on disk under the run's name. Calls follow each other; never two at once. */
  save(state: Run): Promise<void>
  /** On its way to the disk when this returns. */
  appendHostLine(line: HostLine): void
}

export function createRunWriter(folder: string, run: number): RunWriter {
  makeConfiguredFolders(folder, '--ledger')
  const file = join(folder, `run-${run}.json`)
  return {
    async save(state) {
      const temporary = `${file}.tmp`
      const handle = await open(temporary, 'w')
      try {
        await handle.writeFile(JSON.stringify(state))
        await handle.datasync()
      } finally {
        await handle.close()
      }
      await rename(temporary, file)
    },
    appendHostLine(line) {
      appendFileSync(hostFile(folder, run), `${JSON.stringify(line)}\n`)
    },
  }
}
