import type { Agent } from 'node:http'
import { hideSecrets, UnreachableError } from '@millrace/pipeline'
import { FieldType, InfluxDB } from 'influx'
import { clientSchema, policies, SchemaCheck } from './influxdb-schema.ts'

export interface Credentials {
  username: string | undefined
  password: string | undefined
  token: string | undefined
}

export interface InfluxAddress {
  url: string
  database: string
  gzip: boolean
  /** Read anew after each failure, so that a secret that is put right is found. */
  credentials(): Credentials
}

/** Header for our own writes, equal to what the client sends. */
export function authorizationOf({ username, password, token }: Credentials): string | undefined {
  if (token !== undefined) return `Token ${token}`
  if (username === undefined) return undefined
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
}

/** Without what a server may repeat of the header. */
export function withoutAuthorization(text: string, authorization: string | undefined): string {
  const [scheme, value] = (authorization ?? '').split(' ')
  if (value === undefined) return text
  const password = scheme === 'Basic' ? Buffer.from(value, 'base64').toString().split(':').slice(1).join(':') : value
  return hideSecrets(text, [value, password])
}

/** The client sends root:root by itself and ahead of other headers unless the user name is null. */
export function createClient(
  { url, database }: InfluxAddress,
  authorization: string | undefined,
  agent?: Agent,
): InfluxDB {
  const { hostname, port, protocol, pathname } = new URL(url)
  const secure = protocol === 'https:'
  return new InfluxDB({
    host: hostname,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    protocol: secure ? 'https' : 'http',
    path: pathname === '/' ? '' : pathname,
    database,
    schema: clientSchema(database, FieldType),
    username: null as unknown as string,
    options: {
      ...(agent && { agent }),
      ...(authorization === undefined ? {} : { headers: { Authorization: authorization } }),
    },
    pool: { maxRetries: 0, requestTimeout: 30_000, backoff: noBackoff },
  })
}

/** By default the client shuts out its only host after a failure; who calls here has a back-off of its own. */
const noBackoff = { getDelay: () => 0, next: () => noBackoff, reset: () => noBackoff }

/** InfluxDB 2 answers queries of version 1 and makes neither databases nor policies through them. */
async function isVersion2(client: InfluxDB): Promise<boolean> {
  const [answer] = await client.ping(10_000)
  return /^v?2\./.test(answer?.version ?? '')
}

/** Creates what is missing. Throws where what exists is not as it should be, and leaves it as it is. */
export async function prepareDatabase(client: InfluxDB, address: InfluxAddress): Promise<void> {
  const check = new SchemaCheck(address)
  if (await isVersion2(client)) {
    const existing = await client.showRetentionPolicies(address.database)
    check.missing(policies.map(({ name }) => name).filter((name) => !existing.some((found) => found.name === name)))
  } else await createMissing(client, { database: address.database, check })
  for (const { name } of policies) {
    const [found] = await query(client, [`SHOW FIELD KEYS ON "${address.database}" FROM "${name}"./.*/`])
    for (const series of found ?? []) check.fields(series.name, series.values as [string, string][])
  }
}

async function createMissing(
  client: InfluxDB,
  { database, check }: { database: string; check: SchemaCheck },
): Promise<void> {
  const names = await client.getDatabaseNames()
  if (!names.includes(database)) await client.createDatabase(database)
  const existing = await client.showRetentionPolicies(database)
  check.policies(existing)
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
