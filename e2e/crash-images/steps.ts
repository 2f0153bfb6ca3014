/** What a program did to its files, as far as a power cut can undo it. Paths are relative to the folder under watch. */
export type Step = { at: number } & (
  | { kind: 'write'; file: number; offset: number; bytes: Buffer }
  | { kind: 'truncate'; file: number; length: number }
  /** Everything written to the file by steps before `covers` is on disk. */
  | { kind: 'flush'; file: number; covers: number }
  /** A new name for a file or a folder; -1 is a folder. */
  | { kind: 'make'; path: string; file: number }
  | { kind: 'rename'; path: string; to: string }
  | { kind: 'remove'; path: string }
  /** Names made, changed and removed in the folder before `covers` are on disk. */
  | { kind: 'flush-folder'; path: string; covers: number }
)

export type NameStep = Extract<Step, { kind: 'make' | 'rename' | 'remove' }>

export const folder = -1

/** Bytes that went out by a socket. */
export interface SentBytes {
  at: number
  atMs: number
  /** Names the connection, over all lives of the program. */
  connection: string
  bytes: Buffer
}

/** What was seen of one program, over all its lives. */
export interface Recording {
  steps: Step[]
  sent: SentBytes[]
  /** Epoch ms at each place of the trace that is a step or bytes sent. */
  timeAt(at: number): number
  /** Places at which a life ended. */
  deaths: number[]
  /** Files by name as the program last saw them. */
  names: Map<string, number>
}
