/** What a far side is told to do with what it is sent. */
export type Behaviour = 'takes' | 'refuses' | 'is busy' | 'hangs'

export interface Received {
  /** All of it that a person or a machine could read. */
  text: string
}

/** The other end of a channel, a real server on a port of its own. */
export interface FarSide {
  /** Its settings but name. */
  settings: { type: string } & Record<string, unknown>
  received: Received[]
  behave(how: Behaviour): void | Promise<void>
  /** Nobody listens any more. */
  down(): Promise<void>
  /** Listens again, on the same port. */
  up(): Promise<void>
  /** Must be in no error and no log line. */
  secrets: readonly string[]
  close(): Promise<void>
}
