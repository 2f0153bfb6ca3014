import { DatabaseSync } from 'node:sqlite'
import { deadLetters, type Spool, type SqlValue, type Statement } from '@millrace/spool'

/** What may happen around a write: the process is killed before it, or after it and before anyone hears of it. */
export type KillPoint = 'before-write' | 'after-write' | 'after-send'

/** A disk that outlives its processes: SQLite itself, without the worker. */
export class Disk {
  readonly database = new DatabaseSync(':memory:')

  constructor() {
    for (const sql of deadLetters.schema) this.database.exec(sql)
    this.database.exec('CREATE TABLE given (n INTEGER PRIMARY KEY)')
  }

  /** Whether the transaction with this mark is on it. */
  hasGiven(n: number): boolean {
    return this.database.prepare('SELECT 1 FROM given WHERE n = ?').get(n) !== undefined
  }

  run(statements: readonly Statement[]): void {
    this.database.exec('BEGIN')
    for (const { sql, rows } of statements) {
      const statement = this.database.prepare(sql)
      for (const row of rows) statement.run(...row)
    }
    this.database.exec('COMMIT')
  }
}

/** One process' view of a disk. Once killed, nothing it asks for happens or is answered. */
export class MortalSpool implements Spool {
  readonly name = 'k'
  readonly epoch = 'e'
  readonly movedAside = null
  killAt: KillPoint | null = null
  killed = false
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Kills where that was armed; then never resolves. */
  async reach(point: KillPoint): Promise<void> {
    if (this.killAt === point) this.killed = true
    if (this.killed) await new Promise(() => undefined)
  }

  async write(statements: readonly Statement[]): Promise<void> {
    // A disk is slower than this process: what must not run ahead of it has the time to.
    await new Promise(setImmediate)
    await this.reach('before-write')
    this.#disk.run(statements)
    await this.reach('after-write')
  }

  async read(sql: string, params: readonly SqlValue[] = []): Promise<SqlValue[][]> {
    await this.reach('before-write')
    const statement = this.#disk.database.prepare(sql)
    statement.setReturnArrays(true)
    return statement.all(...params) as unknown as SqlValue[][]
  }

  usage() {
    return Promise.resolve({ bytes: 0, maxBytes: 1 })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
