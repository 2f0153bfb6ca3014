import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { UnreachableError } from '@millrace/pipeline'
import { type ResultSeries, withoutAuthorization } from './influxdb-client.ts'
import type { WriteTarget } from './influxdb-http.ts'

const rowsPerChunk = '5000'

interface Chunk {
  error?: string
  results?: { error?: string; series?: ResultSeries[] }[]
}

/** One query whose answer may be larger than memory: the server sends it as lines of JSON. Times are epoch ms. */
export async function* streamQuery(target: WriteTarget, statement: string): AsyncIterable<ResultSeries> {
  const body = new URLSearchParams({
    ...{ db: target.database, q: statement, epoch: 'ms' },
    ...{ chunked: 'true', chunk_size: rowsPerChunk },
  })
  const headers: Record<string, string> = target.authorization ? { authorization: target.authorization } : {}
  const answer = await fetch(`${target.url}/query`, { method: 'POST', headers, body }).catch((cause) => {
    throw new UnreachableError(`no answer from InfluxDB at ${target.url} (stores[].url)`, { cause })
  })
  if (!answer.ok || answer.body === null) {
    const detail = withoutAuthorization(await answer.text(), target.authorization)
    throw new UnreachableError(`InfluxDB at ${target.url} answered ${answer.status}: ${detail}`)
  }
  const input = Readable.fromWeb(answer.body as ReadableStream)
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line !== '') yield* seriesOf(JSON.parse(line) as Chunk)
  }
}

function seriesOf({ error, results = [] }: Chunk): ResultSeries[] {
  const said = error ?? results.find((result) => result.error !== undefined)?.error
  if (said !== undefined) throw new UnreachableError(`InfluxDB refused a query: ${said}`)
  return results.flatMap(({ series }) => series ?? [])
}
