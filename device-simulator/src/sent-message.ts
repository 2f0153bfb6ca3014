import type { SetAside } from './harm.ts'

/** One message that was, or may have been, sent. */
export interface SentMessage {
  site: string
  device: string
  /** Null where the message carried no time. */
  ts: number | null
  seq?: number
  boot?: string
  readings: Record<string, number>
  acked: boolean
  /** How often it was acknowledged. */
  copies: number
  setAside?: SetAside
}
