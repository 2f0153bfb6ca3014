export type SqlValue = string | number | bigint | null | Uint8Array

/** One prepared statement, run once per row of parameters; `[[]]` runs it once without any. Plain data, so that it crosses to the worker. */
export interface Statement {
  sql: string
  rows: readonly (readonly SqlValue[])[]
}

export interface SpoolOptions {
  /** Folder of the spool, locked against a second process. */
  folder: string
  /** Which program's spool this is and the version of its tables; a file of another is never overwritten. */
  application: string
  version: number
  /** Files from this version on are read too, and have `version` from then on: older programs then refuse them. Default: `version`. */
  oldestVersion?: number
  /** Tables, made with the file. */
  schema: readonly string[]
  maxBytes: number
  /** Part of maxBytes that only writes with `reserve` may use, so that a full spool can still be emptied. */
  reserveBytes: number
}

export interface SpoolUsage {
  bytes: number
  maxBytes: number
  /** The disk, not the limit, has no room for ordinary writes. */
  tight?: boolean
}

export interface Spool {
  /** Random name made with the file: a copied or new file has another. */
  readonly name: string
  /** New at every open. */
  readonly epoch: string
  /** Set when a damaged or foreign file was moved aside at start. */
  readonly movedAside: { reason: string; to: string } | null
  /** One transaction; durable when it resolves. Rejects with SpoolFullError, and then nothing was written. */
  write(statements: readonly Statement[], options?: { reserve?: boolean }): Promise<void>
  /** Rows as arrays in the order of the selected columns; sees every write that resolved before. */
  read(sql: string, params?: readonly SqlValue[]): Promise<SqlValue[][]>
  usage(): Promise<SpoolUsage>
  /** Waits for pending writes. Safe twice. */
  close(): Promise<void>
}
