/** One message of one device as it leaves, readings aside: those are a function of `tick` and `atMs`. */
export interface Send {
  tick: number
  /** 0, or 1 for the repetition of a message sent before. */
  copy: 0 | 1
  /** When it leaves and when it was taken, by true time. */
  sendMs: number
  atMs: number
  /** What the device's clock says it was taken at; null where the device has none. */
  tsMs: number | null
  seq: number
  boot: string | null
  /** How its bytes are spoilt; null for a sound message. */
  harm: string | null
}

/** What perturbations may do to one message before it is numbered. */
export interface Draft {
  readonly tick: number
  readonly atMs: number
  delayMs: number
  /** Sent again this long after the first time; null for once. */
  repeatAfterMs: number | null
  /** Numbered, never sent. */
  lost: boolean
  /** The device starts anew with this message. */
  restarts: boolean
  clockOffsetMs: number
  harm: string | null
}
