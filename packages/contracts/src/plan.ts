import { z } from 'zod'

const count = z.int().nonnegative()

/**
 * What an agent made of a sample of a fleet's readings, over `spanMs` of event time of which all windows closed: the
 * bodies it would have sent, and what they and the sets for amendment take of its spool.
 */
export const measuredSampleSchema = z.object({
  windowLengthMs: count,
  spanMs: count,
  sites: count,
  devices: count,
  series: count,
  /** Of the devices. */
  messages: count,
  messageBytes: count,
  readings: count,
  setAside: count,
  /** Bytes of each body of kind `summaries`. */
  bodies: z.array(count),
  summaryRows: count,
  completenessRows: count,
  /** Sets of the windows, as the spool counts them against `amendMaxBytes`. */
  setBytes: count,
  /** Bytes of disk by which the spool grew: messages, sets and what the file needs around them. */
  spoolBytes: count,
  settings: z.object({
    uplink: z.string(),
    spoolMaxBytes: count,
    spoolReserveBytes: count,
    amendForMs: count,
    amendMaxBytes: count,
    /** Between two messages of kind `status` over an IoT Hub. */
    statusEveryMs: count.positive(),
  }),
})

export type MeasuredSample = z.infer<typeof measuredSampleSchema>
