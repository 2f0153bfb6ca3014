import { MillraceError, pause, UnreachableError } from '@millrace/pipeline'
import type { InfluxDB, IPoint } from 'influx'
import {
  authorizationOf,
  createClient,
  type InfluxAddress,
  prepareDatabase,
  query,
  type ResultSeries,
  withoutAuthorization,
} from './influxdb-client.ts'
import { noAnswer, type WriteAnswer, type WriteTarget, writeLines } from './influxdb-http.ts'
import type { Policy } from './influxdb-schema.ts'
import { streamQuery } from './influxdb-stream.ts'
import { endWaiting, keptConnections } from './post-bytes.ts'

const maxStatementsPerQuery = 100

const isNothingThere = (error: unknown) =>
  error instanceof Error && /(database|retention policy) not found/.test(error.message)

/**
 * The `influx` client waits for ever for the end of an answer whose connection was cut, and InfluxDB sends the head of an
 * answer before it has worked it out: a server killed in a query would hold its store for ever.
 */
const defaultPatience = { prepareMs: 10_000, answerMs: 60_000 }
const againAfterMs = 250

interface Connected {
  client: InfluxDB
  target: WriteTarget
}

/**
 * The way to one database. After any failure it begins anew: secrets are read again, and what somebody may have dropped
 * or changed meanwhile is made or checked before the next write.
 */
export class InfluxConnection {
  private readonly address: InfluxAddress
  private connected: Connected | undefined
  private preparing: Promise<void> | undefined

  private readonly patience: typeof defaultPatience

  constructor(address: InfluxAddress, patience = defaultPatience) {
    this.address = address
    this.patience = patience
  }

  /** Rejects with what is to be tried again. */
  async send(policy: Policy, lines: Uint8Array): Promise<WriteAnswer> {
    await this.prepare()
    return await this.reach(({ target }) => writeLines(target, policy, lines))
  }

  /** A small write through the client; a timestamp is a number in ms, or the digits of ns. */
  async sendPoints(policy: Policy, points: readonly IPoint[]): Promise<void> {
    const { database } = this.address
    const precision = typeof points[0]?.timestamp === 'string' ? 'n' : 'ms'
    await this.prepare()
    await this.reach(({ client }) => client.writePoints([...points], { database, retentionPolicy: policy, precision }))
  }

  async query(statements: readonly string[]): Promise<ResultSeries[][]> {
    const answers: ResultSeries[][] = []
    for (let from = 0; from < statements.length; from += maxStatementsPerQuery) {
      const part = statements.slice(from, from + maxStatementsPerQuery)
      answers.push(...(await this.ask(part)))
    }
    return answers
  }

  /** The answer to one query of any size, piece by piece. */
  async *stream(statement: string): AsyncIterable<ResultSeries> {
    const { target } = this.connect()
    try {
      yield* streamQuery(target, statement)
    } catch (error) {
      if (!isNothingThere(error)) throw error
    }
  }

  /** A database or policy that nobody has made yet has no rows. */
  private async ask(statements: readonly string[]): Promise<ResultSeries[][]> {
    const call = ({ client }: Connected) => query(client, statements)
    try {
      return await this.reach(call).catch((error) => this.askAgain(error, call))
    } catch (error) {
      if (isNothingThere(error)) return statements.map(() => [])
      throw error
    }
  }

  /** A server may end a kept connection just when it is used, and a name may not be known for an instant. */
  private async askAgain<T>(error: unknown, call: (connected: Connected) => Promise<T>): Promise<T> {
    if (!(error instanceof NoConnectionError)) throw error
    await pause(againAfterMs)
    return await this.reach(call)
  }

  /** Once it has succeeded it does nothing, until the next failure. */
  async prepare(): Promise<void> {
    const preparing =
      this.preparing ?? this.reach(({ client }) => prepareDatabase(client, this.address), this.patience.prepareMs)
    this.preparing = preparing
    try {
      await preparing
    } catch (error) {
      // Where a secret cannot be read it has failed before it was noted.
      if (this.preparing === preparing) this.preparing = undefined
      throw error
    }
  }

  private connect(): Connected {
    if (this.connected) return this.connected
    const { url, database, gzip } = this.address
    const authorization = authorizationOf(this.address.credentials())
    const agent = keptConnections(url)
    const client = createClient(this.address, authorization, agent)
    this.connected = { client, target: { url, database, gzip, authorization, agent } }
    return this.connected
  }

  /** What another call has begun anew meanwhile stays. */
  private forget(failed: Connected | undefined): void {
    if (failed) endWaiting(failed.target.agent)
    if (this.connected !== failed) return
    this.connected = undefined
    this.preparing = undefined
  }

  private async reach<T>(call: (connected: Connected) => Promise<T>, ms = this.patience.answerMs): Promise<T> {
    let connected: Connected | undefined
    try {
      connected = this.connect()
      return await within(ms, call(connected))
    } catch (cause) {
      this.forget(connected)
      if (cause instanceof MillraceError) throw cause
      // Without the cause: its text is the server's, and a log shows it.
      throw errorOf(cause, { url: this.address.url, authorization: connected?.target.authorization })
    }
  }
}

/** The connection failed, not the server. */
class NoConnectionError extends UnreachableError {}

/** One text for everybody who does not answer, however often and in whichever way: it is logged when it changes. */
function errorOf(cause: unknown, { url, authorization }: { url: string; authorization: string | undefined }) {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (/timed out/.test(text)) return new UnreachableError(noAnswer(url))
  const { code, syscall } = cause as NodeJS.ErrnoException
  if (syscall !== undefined || /socket hang up/.test(text))
    return new NoConnectionError(noAnswer(url), { hint: `${code}` })
  return new UnreachableError(
    withoutAuthorization(`no use of InfluxDB at ${url} (stores[].url): ${text}`, authorization),
  )
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('its answer timed out')), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
