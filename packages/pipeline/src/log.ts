import { type DestinationStream, pino } from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type LogFields = Readonly<Record<string, unknown>>

/** Fields first, then a sentence. Never payloads or secrets; nothing per reading. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

export interface LogOptions {
  name: string
  level?: LogLevel
  /** One plain line each instead of JSON. */
  pretty?: boolean
  /** Each line begins with its level as the journal of systemd reads it, such as `<4>`. */
  journal?: boolean
  /** Default: standard error, so that standard output stays for results. */
  destination?: DestinationStream
}

const hiddenFields = ['password', 'token', 'secret', 'authorization', 'payload', 'body']

function fieldText(value: unknown): string {
  if (typeof value === 'string') return /\s|^$/.test(value) ? JSON.stringify(value) : value
  if (value !== null && typeof value === 'object' && 'message' in value) return JSON.stringify(value.message)
  return JSON.stringify(value) ?? String(value)
}

function prettyLine(line: string): string {
  const { level, time, name, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const when = new Date(Number(time)).toISOString().slice(11, 23)
  const extra = Object.entries(fields).map(([key, value]) => ` ${key}=${fieldText(value)}`)
  return `${when} ${String(level).toUpperCase().padEnd(5)} ${String(name)}: ${String(msg)}${extra.join('')}\n`
}

const journalLevels: Record<string, number> = { debug: 7, info: 6, warn: 4, error: 3 }

function journalLine(line: string): string {
  const level = /"level":"(\w+)"/.exec(line)?.[1] ?? ''
  return `<${journalLevels[level] ?? journalLevels.info}>${line}`
}

export function createLogger(options: LogOptions): Logger {
  const { name, level = 'info', pretty = false, journal = false, destination } = options
  const sink = destination ?? pino.destination({ dest: 2, sync: true })
  const out = journal ? { write: (line: string) => sink.write(journalLine(line)) } : sink
  return pino(
    {
      name,
      level,
      base: { name },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
      redact: { paths: hiddenFields, censor: '(hidden)' },
    },
    pretty ? { write: (line: string) => out.write(prettyLine(line)) } : out,
  )
}

const ignore = () => undefined

/** For parts that are run without a log. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
