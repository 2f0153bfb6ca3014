import { isName } from '@millrace/contracts'
import { z } from 'zod'

const ranges = z.array(z.tuple([z.int(), z.int()]))
const count = z.int().nonnegative()

const progress = z.strictObject({
  /** The first tick of the run. */
  first: z.int(),
  /** Ticks whose message was acknowledged, and those whose repetition was. */
  acked: ranges,
  twice: ranges,
  /** Ticks whose message was handed to a connection. */
  issued: ranges,
  /** When the newest acknowledged message was taken. */
  lastMs: z.number().nullable(),
})
export type DeviceProgress = z.output<typeof progress>

const head = {
  v: z.literal(1),
  run: count,
  /** Wall clock, epoch ms. */
  startedMs: z.number(),
  /** False while the run goes on, or where it ended without a goodbye. */
  ended: z.boolean(),
  /** At most how many messages were sent again because no acknowledgement came before a connection was lost. */
  repeats: count,
}

/** A run of a simulated fleet: everything its stream is a function of, and how far it was acknowledged. */
export const fleetRunSchema = z.strictObject({
  ...head,
  kind: z.literal('fleet'),
  seed: z.int(),
  /** SHA-256 of the fleet as JSON. */
  fleetHash: z.string(),
  fleet: z.unknown(),
  devices: z.int().optional(),
  rateHz: z.number().optional(),
  perturb: z.record(z.string(), z.number()),
  t0Ms: z.number(),
  /** Names this run in boots. */
  runName: z.string().refine(isName),
  /** Nothing that leaves later was handed to a connection before this was on disk. */
  horizonMs: z.number(),
  /** Per `site/device`; a device that is missing began at `fromMs`. */
  progress: z.record(z.string(), progress),
})
export type FleetRun = z.output<typeof fleetRunSchema>

/** A replay of a recording: which file, by which map, and which of its messages were acknowledged. */
export const replayRunSchema = z.strictObject({
  ...head,
  kind: z.literal('replay'),
  file: z.string(),
  /** SHA-256 of the recording's bytes, and of the map as JSON. */
  fileHash: z.string(),
  mapHash: z.string(),
  map: z.unknown(),
  at: z.enum(['now', 'original']),
  /** Added to every time of the recording. */
  shiftMs: z.number(),
  /** Lines later than this were left out as lying ahead. */
  limitMs: z.number(),
  /** How many lines were sent, and the positions of those acknowledged, counted from 0. */
  lines: count,
  acked: ranges,
})
export type ReplayRun = z.output<typeof replayRunSchema>

export const runSchema = z.discriminatedUnion('kind', [fleetRunSchema, replayRunSchema])
export type Run = z.output<typeof runSchema>

/** A reading of a measured device, in full: one line of `host-<n>.ndjson`. */
export const hostLineSchema = z.strictObject({
  site: z.string(),
  device: z.string(),
  seq: count,
  boot: z.string(),
  ts: z.number(),
  readings: z.record(z.string(), z.number()),
})
export type HostLine = z.output<typeof hostLineSchema>
