import { z } from 'zod'
import { nameSchema } from './name.ts'

/** From least to most urgent. */
export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

/** Who evaluates a rule; exactly one, so that nobody is told twice. */
export const ruleOwners = ['edge', 'cloud', 'grafana'] as const
export type RuleOwner = (typeof ruleOwners)[number]

/** What is wrong: a value, a device that says nothing, an agent that says nothing, or messages missing from a window. */
export const alertCauses = ['value', 'device-silent', 'agent-offline', 'incomplete'] as const
export type AlertCause = (typeof alertCauses)[number]

/** `withdrawn`: late data showed that the episode never was, or the rule was taken away. */
export const alertStates = ['active', 'cleared', 'withdrawn'] as const
export type AlertState = (typeof alertStates)[number]

/** What became of an alert. `moved`: late data changed its start, so it follows another id, `movedFrom`. */
export const alertChanges = ['raised', 'cleared', 'moved', 'withdrawn'] as const
export type AlertChange = (typeof alertChanges)[number]

const text = z.string().max(1_024)
const time = z.number()

/**
 * One episode of one rule at one subject, as known at its newest revision. Times are epoch ms: `start`, `raised` and
 * `end` say when it happened (event time), `learned` when this revision was learned (the evaluator's clock).
 */
export const alertSchema = z.object({
  /**
   * `{rule}/{site}/{device}/{metric}/{start}`; `-` stands for a device or metric that the rule does not name, and a rule
   * over an agent has its name in the place of the device.
   */
  id: z.string().min(1).max(400),
  /** Counts the changes of this id from 0; a higher one replaces the lower. */
  rev: z.int().nonnegative(),
  change: z.enum(alertChanges),
  state: z.enum(alertStates),
  rule: nameSchema,
  /** First 12 hexadecimal digits of the hash of the rule that judged. */
  version: nameSchema,
  owner: z.enum(['edge', 'cloud']),
  cause: z.enum(alertCauses),
  severity: z.enum(severities),
  site: nameSchema,
  /** Null for a rule over several series of a site, or over an agent. */
  device: nameSchema.nullable(),
  metric: nameSchema.nullable(),
  /** The agent it was judged at or that is silent; null where several were. */
  agent: nameSchema.nullable(),
  /** Event time of the first bad window or reading. */
  start: time,
  /** Event time at which the rule's `for` was fulfilled. */
  raised: time,
  /** Event time at which it was good again; null while active. */
  end: time.nullable(),
  learned: time,
  /** Worst value so far, in `unit`; null where there is none, as for silence. */
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  unit: z.string().max(32),
  message: text,
  labels: z.record(nameSchema, z.string().max(256)),
  movedFrom: z.string().max(400).nullable(),
})
export type Alert = z.infer<typeof alertSchema>

/** Alerts that changed at the edge, spooled until the receipt like summaries; numbered in the same sequence. */
export const alertsBodySchema = z.object({
  v: z.literal(1),
  agent: nameSchema,
  spool: nameSchema,
  /** Names the start of the agent that made the message. */
  epoch: nameSchema,
  seq: z.int().nonnegative(),
  site: nameSchema,
  alerts: z.array(alertSchema),
})
export type AlertsBody = z.infer<typeof alertsBodySchema>

/** What people did about an alert. */
export interface Acknowledgement {
  by: string
  atMs: number
  note: string
}

/** Notices of matching alerts are not sent between the two times (epoch ms); the alerts themselves are kept and shown. */
export interface Silence {
  id: string
  /** Globs; an absent one matches everything. Labels must all match. */
  match: { rule?: string; site?: string; device?: string; metric?: string; labels?: Record<string, string> }
  fromMs: number
  untilMs: number
  by: string
  reason: string
}

/** An element of `GET /api/alerts`. */
export interface ApiAlert extends Alert {
  acknowledged: Acknowledgement | null
  /** Id of the silence that matches it now; null for none. */
  silencedBy: string | null
}

/** `GET /api/alerts?state=&site=&device=&rule=&severity=&from=&to=&limit=`: newest first; active ones are always among them unless `state` excludes them. */
export interface AlertsResponse {
  at: number
  alerts: ApiAlert[]
  silences: Silence[]
  /** One entry per evaluator of rules: this ingest, and the agents by their newest status. */
  evaluators: RulesStatus[]
}

/** What an evaluator says of its rules, also in an agent's `status`. */
export const rulesStatusSchema = z.object({
  evaluator: z.string(),
  /** First 12 hexadecimal digits of the hash over all rules in force. */
  version: z.string(),
  rules: z.int().nonnegative(),
  active: z.int().nonnegative(),
  /** Changes of rows not yet judged, where a log of them is read. */
  behind: z.int().nonnegative().optional(),
  /** Why the newest files were refused, the last good rules being in force; null when they are in force. */
  problem: z.string().nullable(),
  /** Notices waiting per channel, and why where the channel is down. */
  channels: z.array(z.object({ channel: z.string(), waiting: z.int().nonnegative(), error: z.string().nullable() })),
})
export type RulesStatus = z.infer<typeof rulesStatusSchema>

/** Event `alert` of `GET /api/live`: alerts of one site as they are now; one that was acknowledged comes again. */
export interface LiveAlertEvent {
  site: string
  alerts: ApiAlert[]
}

/** `GET /api/rules`: the rules in the folder of the ingest, whoever owns them. */
export interface RulesResponse {
  at: number
  /** First 12 hexadecimal digits of the hash over all rules in force; null where the ingest has no folder of rules. */
  version: string | null
  /** Why the newest files were refused, the last good rules being in force; null when they are in force. */
  problem: string | null
  rules: { id: string; at: RuleOwner; kind: string; cause: AlertCause; severity: Severity; version: string }[]
  evaluators: RulesStatus[]
}
