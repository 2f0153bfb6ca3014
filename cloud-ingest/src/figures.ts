/** Of one site, in readings, since the spools were made. */
export interface SiteFigures {
  site: string
  accepted: number
  closed: number
  open: number
  duplicate: number
  tooLate: number
  invalid: number
  dropped: number
  qos0: number
  unaccounted: number
  sent: number
  held: number
  refused: number
  mismatch: number
}

/** Of one stage; a figure is there where the stage has it. docs/influxdb.md says what each means for which stage. */
export interface StageFigures {
  stage: string
  site?: string
  agent?: string
  perSecond?: number
  total?: number
  errors?: number
  latencyMs?: number
  behind?: number
  bytes?: number
  maxBytes?: number
  up?: 0 | 1
}

/** What the pipeline says of itself at one moment. */
export interface Figures {
  /** Epoch ms, of the ingest's clock. */
  atMs: number
  /** Full hour whose last figures these are, epoch ms; undefined within an hour. */
  endOfHourMs: number | undefined
  sites: readonly SiteFigures[]
  stages: readonly StageFigures[]
}
