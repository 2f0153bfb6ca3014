import type { Alert } from '@millrace/contracts'

/** A stretch of the log of changed alerts, each as it is now; the stretch ends at `upTo`. */
export interface ChangedAlerts {
  upTo: number
  alerts: Alert[]
}

/** The spool's alerts as those see them who bring them on: a change replaces its predecessor in the log. */
export interface AlertLog {
  cursor(reader: string): Promise<number>
  /** Where the log ends. */
  head(): Promise<number>
  /** The next changes after a place; none where it is the end. */
  read(after: number, limit: number): Promise<ChangedAlerts>
  settle(reader: string, upTo: number): Promise<void>
  /** Alerts that changed after a place. */
  behind(after: number): Promise<number>
  /** Rises with every commit that may have changed alerts. */
  readonly generation: number
  /** Resolves once the generation is beyond one that was seen, or when the signal ends. */
  changed(seen: number, signal: AbortSignal): Promise<void>
}
