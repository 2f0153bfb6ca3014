import { dirname } from 'node:path'
import { Content } from './content.ts'
import { folder, type NameStep, type Step } from './steps.ts'
import { tear, type Whim } from './whims.ts'

type FileStep = Extract<Step, { kind: 'write' | 'truncate' }>

interface FileState {
  /** What is certain to be on disk. */
  durable: Content
  /** Written since the last flush, in order. */
  pending: FileStep[]
}

/** What a power cut leaves. */
export interface Image {
  folders: string[]
  files: { path: string; bytes: Buffer }[]
  /** Unflushed writes and truncations that are not in it, of which a part alone is, and names as before. */
  dropped: number
  torn: number
  namesUndone: number
  /** Unflushed before the cut. */
  pending: number
}

/**
 * A disk that keeps every promise of fsync and nothing else. Certain: what was written to a file before its last
 * flush, and names that were made, changed or removed before the last flush of their folder. Of the rest any sectors
 * of any writes may be there or not, and any names.
 */
export class Disk {
  readonly #steps: readonly Step[]
  readonly #files: FileState[] = []
  readonly #names = new Map<string, number>()
  #pendingNames: NameStep[] = []
  #next = 0

  constructor(steps: readonly Step[]) {
    this.#steps = steps
  }

  /** Lets everything before `at` happen; `at` never goes back. */
  advance(at: number): void {
    for (; this.#next < this.#steps.length && this.#steps[this.#next]!.at < at; this.#next++) {
      this.#take(this.#steps[this.#next]!)
    }
  }

  /** What is on disk when the power fails now. */
  cut(whim: Whim): Image {
    const image: Image = { folders: [], files: [], dropped: 0, torn: 0, namesUndone: 0, pending: 0 }
    const names = this.#namesAfter(whim, image)
    for (const [path, file] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!hasFolders(path, names)) continue
      if (file === folder) image.folders.push(path)
      else image.files.push({ path, bytes: this.#contentAfter(file, whim, image) })
    }
    return image
  }

  #namesAfter(whim: Whim, image: Image): Map<string, number> {
    const names = new Map(this.#names)
    image.pending += this.#pendingNames.length
    for (const step of this.#pendingNames) {
      if (whim.keepsName(step.at)) apply(step, names)
      else image.namesUndone++
    }
    return names
  }

  #contentAfter(file: number, whim: Whim, image: Image): Buffer {
    const { durable, pending } = this.#file(file)
    image.pending += pending.length
    const content = durable.copy()
    tear(content, pending, { whim, tally: image })
    return content.bytes
  }

  #take(step: Step): void {
    if (step.kind === 'write' || step.kind === 'truncate') this.#file(step.file).pending.push(step)
    else if (step.kind === 'flush') this.#flush(step)
    else if (step.kind === 'flush-folder') this.#flushFolder(step)
    else this.#pendingNames.push(step)
  }

  #flush({ file, covers }: Extract<Step, { kind: 'flush' }>): void {
    const state = this.#file(file)
    const [done, rest] = split(state.pending, covers)
    state.pending = rest
    for (const step of done) {
      if (step.kind === 'truncate') state.durable.resize(step.length)
      else state.durable.write(step.offset, step.bytes)
    }
  }

  #flushFolder({ path, covers }: Extract<Step, { kind: 'flush-folder' }>): void {
    const inFolder = (step: NameStep) => {
      const parent = dirname(step.path) === '.' ? '' : dirname(step.path)
      return step.at < covers && parent === path
    }
    for (const step of this.#pendingNames.filter(inFolder)) apply(step, this.#names)
    this.#pendingNames = this.#pendingNames.filter((step) => !inFolder(step))
  }

  #file(file: number): FileState {
    this.#files[file] ??= { durable: new Content(), pending: [] }
    return this.#files[file]
  }
}

function apply(step: NameStep, names: Map<string, number>): void {
  if (step.kind === 'make') names.set(step.path, step.file)
  else if (step.kind === 'remove') names.delete(step.path)
  else {
    // The name that it had may itself never have reached the disk.
    const file = names.get(step.path)
    if (file === undefined) return
    names.delete(step.path)
    names.set(step.to, file)
  }
}

function hasFolders(path: string, names: ReadonlyMap<string, number>): boolean {
  const above = dirname(path)
  return above === '.' || (names.get(above) === folder && hasFolders(above, names))
}

function split(steps: readonly FileStep[], covers: number): [FileStep[], FileStep[]] {
  return [steps.filter(({ at }) => at < covers), steps.filter(({ at }) => at >= covers)]
}
