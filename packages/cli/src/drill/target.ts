import type { StackApi } from '../verify/api.ts'

/** What is killed. */
export const victims = ['agent', 'ingest', 'broker'] as const
export type Victim = (typeof victims)[number]

/** The disk under the agent, which can be filled to its last byte. */
export interface SmallDisk {
  /** For people. */
  readonly kind: string
  /** Takes all the room there is; says how. Again, it takes what has come free. */
  fill(): string
  /** Gives it back. */
  empty(): void
  /** Safe twice. With `keep` what is on it stays, in the folder. */
  release(keep: boolean): void
}

/** A running stack that a drill may hurt. */
export interface Target {
  /** Made for the drill, and gone after it. */
  readonly own: boolean
  readonly dataDir: string
  readonly ports: { http: number; mqtt: number; agent: number }
  readonly token: string | undefined
  /** Where the token is, for programs that are started. */
  readonly tokenFile: string | undefined
  /** How many ms of event time pass in one of real time. */
  readonly speed: number
  readonly api: StackApi
  /** Those that there are. */
  readonly victims: readonly Victim[]
  /** Event time, epoch ms. */
  now(): number
  /** Null while it is down. */
  pid(name: Victim): number | null
  /** kill -9; the id of the process, null where it is down just now. */
  kill(name: Victim): number | null
  readonly uplinkConnected: boolean
  /** The cable between the agent and the cloud. */
  connectUplink(connected: boolean): Promise<void>
  /** Undefined where there is none that may be filled. */
  readonly disk: SmallDisk | undefined
}
