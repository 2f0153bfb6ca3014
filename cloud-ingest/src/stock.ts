/** Readings of one device that begin within a span, as the spool counts them. */
export interface DeviceStock {
  site: string
  device: string
  readings: number
  /** Place in the log of the newest change among them. */
  n: number
}

export interface SpanOf {
  store: string
  from: number
  to: number
  /** Without what changed later in the log. */
  upTo?: number
}

export interface Unchecked {
  store: string
  /** Of the span. */
  start: number
  site: string
  device: string
}

/** What the spool holds, counted apart from what it hands on to the stores. */
export interface Stock {
  /** Starts of the spans in which something changed in a stretch of the log. */
  changed(after: number, upTo: number, lengthMs: number): Promise<number[]>
  held(span: SpanOf): Promise<DeviceStock[]>
  /** Windows that begin before it may have had parts that the spool never had, or has no more. */
  wholeFrom(nowMs: number): Promise<number>
  /** Devices that are not to be compared in these spans; spans that start before `before` are forgotten. */
  leave(devices: readonly Unchecked[], before: number): Promise<void>
}
