import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import type { SeriesInfo, SummariesResponse } from '@millrace/contracts'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { clean, RunningStack, run, temporaryFolder } from './stack.ts'

/** A folder with office-occupancy/datatraining.txt and library-motes/R1.txt, named by who runs the tests. */
const recordings = process.env.MILLRACE_RECORDINGS ?? ''
const absent = !existsSync(recordings)
if (absent)
  console.info(`The recordings are not here (MILLRACE_RECORDINGS=${recordings}): their replays are not tested.`)

interface Recording {
  file: string
  map: string
  /** Rows (device, metric, ts, seq, value) straight from the file, one for each reading. */
  sql(file: string): string
}

const mapFile = (name: string) => fileURLToPath(new URL(`../device-simulator/maps/${name}.yaml`, import.meta.url))

function unpivot(device: string, seq: string, columns: Record<string, string>): string {
  const value = (column: string) => `TRY_CAST(replace(${column}, ',', '.') AS DOUBLE)`
  return Object.entries(columns)
    .map(
      ([metric, column]) =>
        `SELECT ${device} AS device, '${metric}' AS metric, ts, ${seq} AS seq, ${value(column)} AS value FROM raw`,
    )
    .join(' UNION ALL ')
}

const motes: Recording = {
  file: 'library-motes/R1.txt',
  map: mapFile('library-motes'),
  sql: (file) => `
    WITH raw AS (
      SELECT CAST(c0 AS BIGINT) AS ts, * FROM read_csv('${file}', delim = ' ', header = false, all_varchar = true,
        names = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'], null_padding = true, ignore_errors = true)
    )
    ${unpivot(`'mote-' || c1`, 'CAST(c2 AS BIGINT)', {
      'internal-temperature': 'c3',
      voltage: 'c4',
      humidity: 'c5',
      temperature: 'c6',
      par: 'c7',
      tsr: 'c8',
    })}`,
}

const office: Recording = {
  file: 'office-occupancy/datatraining.txt',
  map: mapFile('office-occupancy'),
  // The recording lies in winter, an hour ahead of UTC.
  sql: (file) => `
    WITH raw AS (
      SELECT epoch_ms(strptime(c1, '%Y-%m-%d %H:%M:%S')) - 3600000 AS ts, * FROM read_csv('${file}', delim = ',',
        header = false, skip = 1, quote = '"', all_varchar = true,
        names = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'])
    )
    ${unpivot(`'office-1'`, 'NULL::BIGINT', {
      temperature: 'c2',
      humidity: 'c3',
      light: 'c4',
      co2: 'c5',
      'humidity-ratio': 'c6',
      occupancy: 'c7',
    })}`,
}

const summarySql = (readings: string) => `
  WITH readings AS (SELECT DISTINCT * FROM (${readings}) WHERE value IS NOT NULL)
  SELECT device || '/' || metric || '/' || CAST(ts - ts % 60000 AS VARCHAR) AS key,
    CAST(count(*) AS INTEGER) AS count, min(value) AS min, max(value) AS max, fsum(value) AS sum,
    avg(value) AS mean, stddev_pop(value) AS stddev, fsum(abs(value)) AS scale,
    quantile_disc(value, 0.5) AS p50, quantile_disc(value, 0.95) AS p95, quantile_disc(value, 0.99) AS p99,
    first(value ORDER BY ts, seq, value) AS first, last(value ORDER BY ts, seq, value) AS last
  FROM readings GROUP BY ALL`

type SqlRow = Record<
  'count' | 'min' | 'max' | 'sum' | 'mean' | 'stddev' | 'scale' | 'p50' | 'p95' | 'p99' | 'first' | 'last',
  number
>

async function plainSql({ file, sql }: Recording): Promise<Map<string, SqlRow>> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const result = await connection.runAndReadAll(summarySql(sql(join(recordings, file))))
  const rows = result.getRowObjects() as unknown as (SqlRow & { key: string })[]
  connection.closeSync()
  return new Map(rows.map(({ key, ...row }) => [key, row]))
}

type StoredRow = SummariesResponse['summaries'][number]

async function storedRows(stack: RunningStack): Promise<Map<string, StoredRow>> {
  const rows = new Map<string, StoredRow>()
  for (const { site, device, metric } of await stack.get<SeriesInfo[]>('/api/series')) {
    const query = new URLSearchParams({ site, device, metric, from: '0', to: '4102444800000' })
    const { summaries } = await stack.get<SummariesResponse>(`/api/summaries?${query}`)
    for (const row of summaries) if (!row.provisional) rows.set(`${device}/${metric}/${row.start}`, row)
  }
  return rows
}

let stack: RunningStack | undefined
afterEach(async () => await stack?.remove())

describe.skipIf(absent)('a recording replayed at its own time', () => {
  it.each([motes, office])(
    '$file is what plain SQL makes of the file, and a second replay changes nothing',
    async (recording) => {
      const flags = ['--replay', join(recordings, recording.file), '--map', recording.map, '--at', 'original']
      // The recording has its own event times; the clock runs fast only so that silence is noticed soon.
      stack = await RunningStack.start(temporaryFolder(), '--speed', '60', ...flags)
      await until(() => stack!.log.includes('the simulator has sent everything'), { withinMs: 60_000 })
      expect(await stack.verify('--wait', '--limit', '5m')).toMatchObject({ ok: true, ...clean, notChecked: 0 })

      const expected = await plainSql(recording)
      const stored = await storedRows(stack)
      expect(expected.size).toBeGreaterThan(1000)
      expect([...stored.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
      for (const [key, { sum, mean, stddev, scale, ...exact }] of expected) {
        const row = stored.get(key)!
        expect(row, key).toMatchObject(exact)
        expect(Math.abs(row.sum - sum), key).toBeLessThanOrEqual(1e-12 * scale)
        expect(Math.abs(row.mean - mean), key).toBeLessThanOrEqual(1e-12 * scale)
        expect(Math.abs(row.stddev - stddev), key).toBeLessThanOrEqual(1e-7 * scale)
      }

      const again = await run('simulate', '--url', `mqtt://127.0.0.1:${stack.run().ports.mqtt}`, ...flags)
      expect(again.code, again.stderr).toBe(0)
      await stack.verify('--wait', '--limit', '5m')
      expect(await storedRows(stack)).toEqual(stored)
    },
  )
})
