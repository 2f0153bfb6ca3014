import { join, normalize, relative } from 'node:path'
import { folder, type Recording, type SentBytes, type Step } from './steps.ts'
import { type Call, readCalls, unescaped } from './trace-lines.ts'

export interface RecorderOptions {
  /** Nothing outside is looked at. */
  root: string
  /** Files whose loss does no harm, by path in `root`. */
  ignores(path: string): boolean
}

/** The number of an open file with its path, as strace prints it. */
const handle = /^(\d+)<((?:\\x[0-9a-f]{2})*)>/
const text = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/
const texts = new RegExp(text, 'g')
/** As `writev` and `sendmsg` have it, each piece with its length. */
const pieces = /iov_base="((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?, iov_len=(\d+)/g

/** Turns the calls of a program into steps; one recorder sees all lives of the program, in order. */
export class Recorder {
  readonly #options: RecorderOptions
  readonly #steps: Step[] = []
  readonly #sent: SentBytes[] = []
  readonly #times: { at: number; atMs: number }[] = []
  readonly #names = new Map<string, number>()
  /** Where `write` goes on, by number of the open file. */
  readonly #positions = new Map<number, number>()
  readonly #sizes: number[] = []
  readonly #deaths: number[] = []
  #base = 0

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** One life of the program. */
  async read(traceFile: string): Promise<void> {
    let last = this.#base
    await readCalls(traceFile, (call) => {
      last = this.#base + call.ended
      this.#take({ ...call, began: this.#base + call.began, ended: last })
    })
    this.#base = last + 1
    this.#deaths.push(last)
    this.#positions.clear()
  }

  recording(): Recording {
    const steps = this.#steps.toSorted((a, b) => a.at - b.at)
    const times = this.#times.toSorted((a, b) => a.at - b.at)
    const timeAt = (at: number) => times.findLast((one) => one.at <= at)?.atMs ?? 0
    const sent = this.#sent.toSorted((a, b) => a.at - b.at)
    return { steps, sent, timeAt, deaths: this.#deaths, names: this.#names }
  }

  #take(call: Call): void {
    if (!(call.result >= 0)) return
    const known = calls[call.name]
    if (known) known(this, call)
    else this.#refuse(call)
  }

  #refuse({ name, args }: Call): void {
    const paths = [...args.matchAll(/(?:\\x[0-9a-f]{2})+/g)].map(([path]) => unescaped(path).toString())
    for (const path of paths) {
      if (this.inside(path) !== undefined)
        throw new Error(`${name} of ${path}: the model does not know what a power cut does to it`)
    }
  }

  /** Path in the root of a file that matters. */
  inside(path: string): string | undefined {
    const found = relative(this.#options.root, normalize(path))
    if (found === '' || found.startsWith('..') || this.#options.ignores(found)) return undefined
    return found
  }

  add({ began, atMs }: Pick<Call, 'began' | 'atMs'>, step: Omit<Step, 'at'>, at = began): void {
    this.#steps.push({ ...step, at } as Step)
    this.#times.push({ at, atMs })
  }

  /** A file just opened by name. */
  opened(call: Call, path: string, flags: string): void {
    let file = this.#names.get(path)
    if (file === undefined) {
      if (!flags.includes('O_CREAT')) return
      file = this.#sizes.push(0) - 1
      this.#names.set(path, file)
      this.add(call, { kind: 'make', path, file } as Omit<Step, 'at'>)
    } else if (flags.includes('O_TRUNC')) this.truncated(call, file, 0)
    this.#positions.set(call.result, flags.includes('O_APPEND') ? this.#sizes[file]! : 0)
  }

  fileOf(path: string): number | undefined {
    const inside = this.inside(path)
    const file = inside === undefined ? undefined : this.#names.get(inside)
    return file === folder ? undefined : file
  }

  written(call: Call, file: number, { offset, bytes }: { offset: number; bytes: Buffer }): void {
    this.#sizes[file] = Math.max(this.#sizes[file]!, offset + bytes.byteLength)
    this.add(call, { kind: 'write', file, offset, bytes } as Omit<Step, 'at'>)
  }

  truncated(call: Call, file: number, length: number): void {
    this.#sizes[file] = length
    this.add(call, { kind: 'truncate', file, length } as Omit<Step, 'at'>)
  }

  moved(number: number, position: number): void {
    this.#positions.set(number, position)
  }

  /** Where the bytes go that are written to a number without a place. */
  advance(number: number, bytes: number): number {
    const from = this.#positions.get(number) ?? 0
    this.#positions.set(number, from + bytes)
    return from
  }

  made(call: Call, path: string): void {
    const inside = this.inside(path)
    if (inside === undefined) return
    this.#names.set(inside, folder)
    this.add(call, { kind: 'make', path: inside, file: folder } as Omit<Step, 'at'>)
  }

  renamed(call: Call, from: string, to: string): void {
    const [path, newPath] = [this.inside(from), this.inside(to)]
    const file = path === undefined ? undefined : this.#names.get(path)
    if (path === undefined || newPath === undefined || file === undefined) return
    if (file === folder) throw new Error('the model knows no renamed folders')
    this.#names.delete(path)
    this.#names.set(newPath, file)
    this.add(call, { kind: 'rename', path, to: newPath } as Omit<Step, 'at'>)
  }

  removed(call: Call, from: string): void {
    const path = this.inside(from)
    if (path !== undefined && this.#names.delete(path)) this.add(call, { kind: 'remove', path } as Omit<Step, 'at'>)
  }

  flushed(call: Call, path: string): void {
    const covers = call.began
    const file = this.fileOf(path)
    if (file !== undefined) this.add(call, { kind: 'flush', file, covers } as Omit<Step, 'at'>, call.ended)
    else {
      const inside = relative(this.#options.root, normalize(path))
      if (inside !== '' && this.#names.get(inside) !== folder) return
      this.add(call, { kind: 'flush-folder', path: inside, covers } as Omit<Step, 'at'>, call.ended)
    }
  }

  out(call: Call, connection: string, bytes: Buffer): void {
    this.#sent.push({ at: call.began, atMs: call.atMs, connection: `${this.#deaths.length}/${connection}`, bytes })
    this.#times.push({ at: call.began, atMs: call.atMs })
  }
}

function handleOf(args: string): { number: number; path: string; rest: string } {
  const found = handle.exec(args)
  if (!found) return { number: -1, path: '', rest: args }
  return { number: Number(found[1]), path: unescaped(found[2]!).toString(), rest: args.slice(found[0].length) }
}

/** Data as it was written; what the trace cut off of a piece is zeros, which no file that matters may have. */
function dataOf(args: string, length: number, path: string): Buffer {
  const vector = [...args.matchAll(pieces)].map(([, data, bytes]) => wholeOf(unescaped(data!), Number(bytes), path))
  if (vector.length > 0) return Buffer.concat(vector).subarray(0, length)
  const [, data = ''] = text.exec(args) ?? []
  return wholeOf(unescaped(data), length, path).subarray(0, length)
}

function wholeOf(known: Buffer, length: number, path: string): Buffer {
  if (known.byteLength >= length) return known
  if (!path.startsWith('socket:')) throw new Error(`the trace cut off what was written to ${path}`)
  return Buffer.concat([known, Buffer.alloc(length - known.byteLength)])
}

function write(recorder: Recorder, call: Call): void {
  const { number, path, rest } = handleOf(call.args)
  const data = () => dataOf(rest, call.result, path)
  if (path.startsWith('socket:')) {
    recorder.out(call, path, data())
    return
  }
  const offset = recorder.advance(number, call.result)
  const file = recorder.fileOf(path)
  if (file !== undefined) recorder.written(call, file, { offset, bytes: data() })
}

function rename(recorder: Recorder, call: Call): void {
  const [from, to] = [...call.args.matchAll(texts)].map(([, path]) => unescaped(path!).toString())
  recorder.renamed(call, absolute(call, from!), absolute(call, to!))
}

/** A path that is not whole stands in the folder that the call names before it. */
function absolute({ args }: Call, path: string): string {
  if (path.startsWith('/')) return path
  const base = /<((?:\\x[0-9a-f]{2})*)>/.exec(args)
  if (!base) throw new Error(`a relative path: ${path}`)
  return join(unescaped(base[1]!).toString(), path)
}

function named(take: (recorder: Recorder, call: Call, path: string) => void) {
  return (recorder: Recorder, call: Call) => {
    const found = text.exec(call.args)
    if (found) take(recorder, call, absolute(call, unescaped(found[1]!).toString()))
  }
}

const remove = named((recorder, call, path) => recorder.removed(call, path))
const make = named((recorder, call, path) => recorder.made(call, path))

function flush(recorder: Recorder, call: Call): void {
  recorder.flushed(call, handleOf(call.args).path)
}

const calls: Record<string, (recorder: Recorder, call: Call) => void> = {
  openat: named((recorder, call, path) => {
    const inside = recorder.inside(path)
    if (inside !== undefined) recorder.opened(call, inside, call.args)
  }),
  write,
  writev: write,
  sendto: write,
  sendmsg: write,
  pwrite64(recorder, call) {
    const { path, rest } = handleOf(call.args)
    const file = recorder.fileOf(path)
    if (file === undefined) return
    const offset = Number(/, (\d+)$/.exec(rest)![1])
    recorder.written(call, file, { offset, bytes: dataOf(rest, call.result, path) })
  },
  ftruncate(recorder, call) {
    const { path, rest } = handleOf(call.args)
    const file = recorder.fileOf(path)
    if (file !== undefined) recorder.truncated(call, file, Number(/, (\d+)$/.exec(rest)![1]))
  },
  lseek(recorder, call) {
    recorder.moved(handleOf(call.args).number, call.result)
  },
  fsync: flush,
  fdatasync: flush,
  rename,
  renameat: rename,
  renameat2: rename,
  unlink: remove,
  unlinkat: remove,
  mkdir: make,
  mkdirat: make,
}
