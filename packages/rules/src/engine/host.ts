import type { Names } from './alert-book.ts'
import type { Judged } from './judged.ts'
import type { Line } from './line.ts'

/** A subject with what was judged of it, for all rules that judge the same windows of it. */
export class Host {
  readonly key: string
  names: Names
  readonly line: Line
  unit = ''
  /** By id of the rule; absent where everything was good. */
  timelines: Map<string, Judged> | undefined

  constructor(key: string, names: Names, line: Line) {
    this.key = key
    this.names = names
    this.line = line
  }
}
