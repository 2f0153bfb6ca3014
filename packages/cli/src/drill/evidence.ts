import type { AccountsResponse } from '@millrace/contracts'
import type { VerifyReport } from '../verify/report.ts'
import type { Findings } from './findings.ts'
import type { DeviceVerdict } from './known-device.ts'

/** What everything is judged by, at the end of a drill. */
export interface Evidence {
  findings: Findings
  /** Ages of what the page showed, real ms. */
  ages: readonly number[]
  /** Undefined where the drill was stopped before. */
  fleet?: VerifyReport
  own?: DeviceVerdict
  accounts?: AccountsResponse
  /** Devices send late and twice on purpose. */
  perturbed: boolean
  /** Series that the drill recounted by itself. */
  ownSeries?: number
  seed: number
  acts: readonly string[]
  tookMs: number
  interrupted: boolean
}
