import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { UsageError } from '@millrace/pipeline'
import type { RecordingMap } from './map.ts'
import { createRecordedReader, type Recorded } from './recorded.ts'
import { createRowReader } from './rows.ts'

const maxNamed = 20
/** A line longer than this is no line of a recording. */
const maxLineLength = 1_000_000

/** What could not be read, counted in full and named as far as one wants to read. */
export interface ReadReport {
  lines: number
  messages: number
  readings: number
  /** Blank lines, comments, the header. */
  passedOver: number
  unparsable: number
  badValues: number
  /** The first of them: number of the line, counted from 1, and the reason. */
  named: { line: number; reason: string }[]
}

export interface RecordingOptions {
  map: RecordingMap
  shiftMs: number
  /** Lines that would lie later than this are refused. */
  limitMs: number
}

/** The messages of a recording in the order of the file, a chunk of lines at a time; `report` is filled on the way. */
export async function* readRecording(
  file: string,
  { map, shiftMs, limitMs }: RecordingOptions,
  report: ReadReport,
): AsyncGenerator<Recorded[]> {
  const readRow = createRowReader(map)
  const readRecorded = createRecordedReader(map)
  const judge = (line: string): Recorded | string | undefined => {
    if (line.length > maxLineLength) return 'too long'
    const row = readRow(line)
    if (typeof row !== 'function') return row
    const recorded = readRecorded(row)
    if (typeof recorded === 'string') return recorded
    recorded.tsMs += shiftMs
    return recorded.tsMs > limitMs ? 'its time lies ahead of now' : recorded
  }
  for await (const lines of readLines(file, map.encoding)) {
    const messages: Recorded[] = []
    for (const line of lines) {
      const found = judge(line)
      count(report, found)
      if (typeof found === 'object') messages.push(found)
    }
    if (messages.length > 0) yield messages
  }
}

export function emptyReport(): ReadReport {
  return { lines: 0, messages: 0, readings: 0, passedOver: 0, unparsable: 0, badValues: 0, named: [] }
}

function count(report: ReadReport, found: Recorded | string | undefined): void {
  report.lines++
  const name = (reason: string) => {
    if (report.named.length < maxNamed) report.named.push({ line: report.lines, reason })
  }
  if (found === undefined) report.passedOver++
  else if (typeof found === 'string') {
    report.unparsable++
    name(found)
  } else {
    report.messages++
    report.readings += found.readings.length
    report.badValues += found.badValues.length
    found.badValues.forEach(name)
  }
}

/** Lines without their ends, in groups as they come from the disk. */
async function* readLines(file: string, encoding: string): AsyncGenerator<string[]> {
  const decoder = new TextDecoder(encoding)
  let rest = ''
  for await (const chunk of createReadStream(file)) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
    // Cut, so that a file without line ends does not fill the memory; the line is refused as too long.
    rest = lines.pop()!.slice(0, maxLineLength + 1)
    yield lines.map(withoutReturn)
  }
  rest += decoder.decode()
  if (rest !== '') yield [withoutReturn(rest)]
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

/** SHA-256 of a file's bytes. Throws a UsageError where it cannot be read. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array)
  } catch (cause) {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException
    const problem = { path: 'replay', found: `${file} (${code})`, expected: 'a readable file' }
    throw new UsageError('the recording cannot be read', [problem], { cause })
  }
  return hash.digest('hex')
}

/** The newest time in a recording, by its own clock; undefined where no line could be read. */
export async function newestMs(file: string, map: RecordingMap): Promise<number | undefined> {
  let newest: number | undefined
  const options = { map, shiftMs: 0, limitMs: Number.POSITIVE_INFINITY }
  for await (const messages of readRecording(file, options, emptyReport())) {
    for (const { tsMs } of messages) newest = newest === undefined ? tsMs : Math.max(newest, tsMs)
  }
  return newest
}
