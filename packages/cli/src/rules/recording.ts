import { spawn } from 'node:child_process'
import { createReadStream, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { MillraceError, UsageError } from '@millrace/pipeline'
import { appArguments } from '../apps.ts'

/** Something to try rules on. */
export interface RecordingSource {
  /** A recording, a fleet file of the simulator, or the lines that `simulate --print` or `--recount` printed. */
  file: string
  /** How to read a recording. */
  map?: string | undefined
  /** For a fleet: how much of its past, where that ends, and its seed. */
  history?: string | undefined
  until?: string | undefined
  seed?: string | undefined
  perturb?: string | undefined
}

/** One line as the simulator prints it. */
export interface RecordedMessage {
  site: string
  device: string
  ts: number | null
  seq?: number
  boot?: string
  readings: Record<string, number>
  acked: boolean
}

const isLines = (file: string) => /\.(ndjson|jsonl)$/.test(file)

/** A day of the past is enough to see a daily rhythm and short enough to wait for. */
const defaultHistory = '24h'
/** A moment like any other: without one the same fleet would give other windows each time. */
const defaultUntil = '2026-01-08T00:00:00Z'

function printFlags({ file, map, history, until, seed, perturb }: RecordingSource): string[] {
  if (map !== undefined) return ['--print', '--replay', file, '--map', map, '--at', 'original']
  const optional = { '--seed': seed, '--perturb': perturb }
  return [
    ...['--print', '--fleet', file, '--history', history ?? defaultHistory, '--until', until ?? defaultUntil],
    ...Object.entries(optional).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])),
  ]
}

function checkFile(path: string, file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return
  throw new UsageError('there is no such recording', [{ path, found: file, expected: 'a file that can be read' }])
}

const needsMap = (file: string) =>
  new UsageError('the recording cannot be read', [
    { path: '--map', found: 'nothing', expected: `the file that says how to read ${file}` },
  ])

async function* printedLines(source: RecordingSource, note: (line: string) => void): AsyncGenerator<string> {
  const child = spawn(process.execPath, appArguments('simulator', printFlags(source)), {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line))
  const exited = new Promise<number | null>((done, fail) => {
    child.once('error', fail)
    child.once('close', done)
  })
  try {
    yield* createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })
  } finally {
    child.kill()
  }
  const code = await exited
  if (code !== 0) throw new MillraceError('usage', `${source.file} cannot be read:\n${said.join('\n')}`)
  said.forEach(note)
}

/** Lines of a recording as the simulator would send them; `note` is told what could not be read. */
export async function* readRecording(
  source: RecordingSource,
  note: (line: string) => void,
): AsyncGenerator<RecordedMessage> {
  checkFile('--on', source.file)
  if (source.map !== undefined) checkFile('--map', source.map)
  else if (!isLines(source.file) && !/\.ya?ml$/.test(source.file)) throw needsMap(source.file)
  const lines = isLines(source.file)
    ? createInterface({ input: createReadStream(source.file), crlfDelay: Number.POSITIVE_INFINITY })
    : printedLines(source, note)
  let number = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    const message = parseLine(line, `${source.file} line ${number}`)
    if (message) yield message
  }
}

function parseLine(line: string, where: string): RecordedMessage | undefined {
  try {
    const value = JSON.parse(line) as RecordedMessage | { end: true }
    if ('end' in value) return undefined
    if (typeof value.site === 'string' && typeof value.device === 'string' && typeof value.readings === 'object')
      return value
  } catch {
    // Refused below, like any other line that is none.
  }
  throw new UsageError(`${where} is no message as the simulator prints it`, [
    { path: where, found: line.slice(0, 120), expected: '{"site", "device", "ts", "readings", ...}' },
  ])
}
