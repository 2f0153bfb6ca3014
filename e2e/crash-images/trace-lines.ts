import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** One system call of a trace. */
export interface Call {
  name: string
  /** What stands between the brackets. */
  args: string
  result: number
  /** Path behind the file number that the call returned. */
  resultPath: string
  /** Places in the trace at which the call began and ended; calls of other threads may lie between. */
  began: number
  ended: number
  /** Epoch ms at which it began. */
  atMs: number
}

/** A call that began; `line` is its place. */
interface Begun {
  text: string
  line: number
  atMs: number
}

const head = /^(\d+) +(\d+\.\d+) /
const resumed = /^<\.\.\. \w+ resumed>/
const unfinished = ' <unfinished ...>'
const ending = /\)\s+= (-?\d+|\?)(?:<((?:\\x[0-9a-f]{2})*)>(?:\(deleted\))?)?[^=]*$/

export function unescaped(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex')
}

/** Calls in the order in which they began, each handed on when it has ended; one that the program did not live to see ended is not. */
export async function readCalls(file: string, take: (call: Call) => void): Promise<void> {
  const begun = new Map<string, Begun>()
  let line = 0
  for await (const text of createInterface({ input: createReadStream(file, { highWaterMark: 1 << 20 }) })) {
    line++
    const start = head.exec(text)
    if (!start) continue
    const thread = start[1]!
    const rest = text.slice(start[0].length)
    const call = join({ text: rest, line, atMs: Number(start[2]) * 1000 }, begun, thread)
    if (call) take({ ...call, ended: line })
  }
}

function join(now: Begun, begun: Map<string, Begun>, thread: string): Omit<Call, 'ended'> | undefined {
  if (now.text.startsWith('---') || now.text.startsWith('+++')) return undefined
  if (now.text.endsWith(unfinished)) {
    begun.set(thread, { ...now, text: now.text.slice(0, -unfinished.length) })
    return undefined
  }
  const again = resumed.exec(now.text)
  if (!again) return parse(now)
  const first = begun.get(thread)
  begun.delete(thread)
  return first && parse({ ...first, text: first.text + now.text.slice(again[0].length) })
}

function parse({ text, line, atMs }: Begun): Omit<Call, 'ended'> {
  const open = text.indexOf('(')
  const tail = ending.exec(text.length > 4096 ? text.slice(-4096) : text)
  if (open < 0 || !tail) throw new Error(`line ${line} of the trace is not understood: ${text.slice(0, 200)}`)
  const end = text.length - tail[0].length
  const result = tail[1] === '?' ? Number.NaN : Number(tail[1])
  const resultPath = tail[2] === undefined ? '' : unescaped(tail[2]).toString()
  return { name: text.slice(0, open), args: text.slice(open + 1, end), result, resultPath, began: line, atMs }
}
