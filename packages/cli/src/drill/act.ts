import type { MqttLink } from '@millrace/transports'
import type { Findings } from './findings.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { KnownDevice } from './known-device.ts'
import type { MarkPost } from './marks.ts'
import type { Narrator } from './narrator.ts'
import type { ActName, PlannedAct } from './plan.ts'
import type { Target } from './target.ts'

/** What an act has to work with. */
export interface Scene {
  target: Target
  heartbeat: Heartbeat
  say: Narrator
  marks: MarkPost
  findings: Findings
  seed: number
  /** Names this drill: what it leaves in a running stack has it in its names. */
  run: string
  lengthMs: number
  signal: AbortSignal
  /** A connection for devices of the drill's own. */
  link(name: string): MqttLink
  /** A device that nobody else is, whose readings are recounted at the end. */
  device(link: MqttLink, name: string): KnownDevice
  /** Waits real ms; rejects when the drill is stopped. */
  wait(ms: number): Promise<void>
  /** Asks until it is so, with a deadline; the ms that took, or null where it never was. */
  until(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<number | null>
}

/** One thing that goes wrong, in words and in deed. */
export interface Act {
  name: ActName
  title: string
  /** On the charts of the page; absent where there is nothing to see. */
  mark?: string
  /** What is done. */
  does(planned: PlannedAct, target: Target): string
  nasty: string
  expects: string
  /** Says what came of it, and whether that is well. */
  play(scene: Scene): Promise<{ well: boolean; text: string }>
}
