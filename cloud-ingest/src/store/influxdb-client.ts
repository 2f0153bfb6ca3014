import { UnreachableError } from '@millrace/pipeline'
import { InfluxDB } from 'influx'

export interface InfluxAddress {
  url: string
  database: string
  username: string | undefined
  password: string | undefined
  token: string | undefined
}

/** Durations in InfluxDB's notation. */
const policies = [
  { name: 'live', duration: '1d' },
  { name: 'minute', duration: '90d' },
  { name: 'history', duration: 'INF' },
] as const

export type Policy = (typeof policies)[number]['name']

/** Header for our own writes, equal to what the client sends. */
export function authorizationOf({ username, password, token }: InfluxAddress): string | undefined {
  if (token !== undefined) return `Token ${token}`
  if (username === undefined) return undefined
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
}

/** The client sends root:root by itself and ahead of other headers unless the user name is null. */
export function createClient(address: InfluxAddress): InfluxDB {
  const { hostname, port, protocol, pathname } = new URL(address.url)
  const secure = protocol === 'https:'
  const authorization = authorizationOf(address)
  return new InfluxDB({
    host: hostname,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    protocol: secure ? 'https' : 'http',
    path: pathname === '/' ? '' : pathname,
    database: address.database,
    username: null as unknown as string,
    ...(authorization === undefined ? {} : { options: { headers: { Authorization: authorization } } }),
    pool: { maxRetries: 0, requestTimeout: 30_000, backoff: noBackoff },
  })
}

/** By default the client shuts out its only host after a failure; who calls here has a back-off of its own. */
const noBackoff = { getDelay: () => 0, next: () => noBackoff, reset: () => noBackoff }

/** Creates what is missing; a policy that exists is left as its owner set it. */
export async function createMissing(client: InfluxDB, { database }: InfluxAddress): Promise<void> {
  const names = await client.getDatabaseNames()
  if (!names.includes(database)) await client.createDatabase(database)
  const existing = await client.showRetentionPolicies(database)
  for (const { name, duration } of policies) {
    if (existing.some((policy) => policy.name === name)) continue
    await client.createRetentionPolicy(name, { database, duration, replication: 1, isDefault: name === 'minute' })
  }
}

export interface ResultSeries {
  name: string
  columns: string[]
  values: unknown[][]
  tags?: Record<string, string>
}

interface RawAnswer {
  results?: { statement_id?: number; error?: string; series?: ResultSeries[] }[]
}

/** One list of series per statement; errors of statements, which come with HTTP 200, reject. Times are epoch ms. */
export async function query(client: InfluxDB, statements: readonly string[]): Promise<ResultSeries[][]> {
  const answer = (await client.queryRaw(statements.join(';'), { precision: 'ms', method: 'POST' })) as RawAnswer
  return (answer.results ?? []).map(({ error, series }) => {
    if (error !== undefined) throw new UnreachableError(`InfluxDB refused a query: ${error}`)
    return series ?? []
  })
}
