import { nameSchema } from '@millrace/contracts'
import { notifySchema } from '@millrace/notify'
import { byteSize, durationMs } from '@millrace/pipeline'
import { z } from 'zod'
import { clockPolicies } from './clocks/index.ts'
import { collectors, sensors } from './collect/index.ts'
import { decoders } from './decode/index.ts'
import { uplinks } from './uplink/index.ts'
import { duration, windowLateness, windowLength } from './window-times.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const mebibyte = 1024 * 1024

const windows = z
  .strictObject({
    /** Divides one hour, at most 30 minutes. */
    length: windowLength.default(minute),
    /** How far a device's watermark stays behind its newest reading. */
    lateness: windowLateness.default(5 * second),
    /** Silence after which a device's windows close; two windows unless set. */
    idle: duration(second, 24 * hour, 'a duration from 1s to 24h').optional(),
    /** How long a closed window can still take late readings. */
    amendFor: duration(0, 31 * 24 * hour, 'a duration up to 31d').default(24 * hour),
    /** Bytes of disk for that; when they are used up, the span shrinks. */
    amendMaxBytes: byteSize.default(256 * mebibyte),
    /** Readings of one series in one window; more are set aside as `over-rate`. */
    maxReadings: z.int().min(1).max(1_000_000).default(100_000),
  })
  .prefault({})

const spool = z
  .strictObject({
    /** Shortest time between two commits: what wears an SD card. */
    commit: duration(0, 5 * second, 'a duration up to 5s').default(20),
    /** The smallest still holds a checkpoint of a busy minute in its reserve. */
    maxBytes: byteSize.refine((bytes) => bytes >= 32 * mebibyte, 'at least 32MiB').default(2048 * mebibyte),
    whenFull: z.enum(['refuse', 'drop-oldest']).default('refuse'),
  })
  .prefault({})

/** Everything the agent can be told; durations in ms and sizes in bytes once read. */
export const agentConfigSchema = z.strictObject({
  /** Names this agent in the cloud; two agents never share one. */
  agent: nameSchema,
  /** The agent's own site; devices name theirs in their topics. */
  site: nameSchema,
  dataDir: z.string().min(1),
  /** The clock that a simulated stack shares; the system's clock unless set. */
  clockFile: z.string().min(1).optional(),
  collect: collectors.schema,
  /** Sensors of this machine itself, beside what the collector brings. */
  sensors: z.array(sensors.schema).default([]),
  /** Formats of real devices, each on its own topics; the contract's JSON is understood without. */
  decode: z.array(decoders.schema).default([]),
  windows,
  maxSeries: z.int().min(1).max(10_000_000).default(100_000),
  spool,
  uplink: uplinks.schema,
  clock: z
    .strictObject({
      /** `synchronised` waits for systemd-timesyncd, as on a Raspberry Pi without a battery-backed clock. */
      trust: z.enum(['system', 'synchronised']).default('system'),
      /** How long to wait for that before the devices' clocks are taken. */
      wait: durationMs.default(2 * minute),
      /** The clocks of the devices: what is shown as off, and what is done about it. */
      devices: z
        .strictObject({
          /** An offset above it is `skewed`. */
          skewed: duration(100, 24 * hour, 'a duration from 100ms to 24h').default(5 * second),
          /** The offset changes by more at once: `jumped`. */
          jumped: duration(second, 24 * hour, 'a duration from 1s to 24h').default(10 * second),
          /** Parts per million: 12 are about a second a day. */
          drifting: z.number().positive().max(100_000).default(200),
          /** Policies by site: the first whose pattern fits holds; `accept` where none does. */
          sites: z.array(z.strictObject({ sites: z.string().min(1), policy: z.enum(clockPolicies) })).default([]),
        })
        .prefault({}),
    })
    .prefault({}),
  live: z
    .strictObject({
      every: duration(second, hour, 'a duration from 1s to 1h').default(second),
      provisionalEvery: duration(second, hour, 'a duration from 1s to 1h').default(2 * second),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(8081),
      tokenFile: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Folder of alert rules; those that say `at: edge` are judged here. Without one nothing of it is loaded. */
  rules: z.string().min(1).optional(),
  /** Who is told of their alerts. */
  notify: notifySchema,
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
})

export type AgentConfig = z.output<typeof agentConfigSchema>

/** Time settings of the windows, as the journal knows them. */
export function windowSettings({ windows: { length, lateness, maxReadings, amendFor } }: AgentConfig) {
  return { lengthMs: length, latenessMs: lateness, maxReadings, amendForMs: amendFor }
}
