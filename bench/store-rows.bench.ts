/**
 * Rows per CPU-second into the stores, as the ingest writes them, beside what one would write first: an insert per row
 * into DuckDB, and the `influx` client's points, all fields, in batches of the same size and one by one into InfluxDB.
 * Both sides of a pair write the same rows and take turns; medians of the turns.
 *
 *   node bench/store-rows.bench.ts                   starts influxd by itself where it is installed
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { InfluxDB } from 'influx'
import { stores } from '../cloud-ingest/src/store/index.ts'
import type { Store, StoredRow } from '../cloud-ingest/src/stored.ts'
import { minuteMs, storedRow } from '../cloud-ingest/src/testing/rows.ts'

const turns = 5
const seriesCount = 500
const batchRows = 5_000
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const today = Math.floor(Date.now() / 3_600_000) * 3_600_000

/** Minutes of 60 readings, each minute with other values: numbers that repeat would be written from a cache. */
const templates = Array.from({ length: 500 }, (_, minute) => {
  const values = Array.from({ length: 60 }, (_, index) => {
    return Math.round((20 + Math.sin(minute * 60 + index) * 5 + ((minute * 31 + index * 17) % 100) / 50) * 100) / 100
  })
  return storedRow({ values })
})

/** The same for both sides: whole minutes of all series, sorted by series. */
function batch(turn: number, rows: number): StoredRow[] {
  const minutes = rows / seriesCount
  return Array.from({ length: rows }, (_, index) => {
    const start = today - (turn * minutes + (index % minutes)) * minuteMs
    const template = templates[(index * 7 + turn) % templates.length]!
    const shift = start - template.start
    const times = { start, firstTs: template.firstTs + shift, lastTs: template.lastTs + shift }
    return { ...template, ...times, device: `device-${Math.floor(index / minutes)}`, sum: template.sum + index }
  })
}

interface Side {
  name: string
  rows: number
  write(rows: StoredRow[]): Promise<unknown>
}

interface Measure {
  cpuS: number
  wallS: number
}

async function measure(side: Side, turn: number): Promise<Measure> {
  const rows = batch(turn, side.rows)
  const [cpu, began] = [process.cpuUsage(), performance.now()]
  await side.write(rows)
  const { user, system } = process.cpuUsage(cpu)
  return { cpuS: (user + system) / 1e6, wallS: (performance.now() - began) / 1000 }
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!
const perSecond = (rate: number) => `${Math.round(rate).toLocaleString('en').padStart(9)} rows`

/** Turn by turn, one side after the other, so that the machine's moods fall on all alike. */
async function compare(title: string, sides: readonly Side[]): Promise<void> {
  const measures = sides.map(() => [] as Measure[])
  for (let turn = 0; turn <= turns; turn++) {
    for (const [index, side] of sides.entries()) {
      const taken = await measure(side, turn)
      if (turn > 0) measures[index]!.push(taken)
    }
  }
  console.log(`\n${title}`)
  let first = 0
  for (const [index, { name, rows }] of sides.entries()) {
    const cpu = median(measures[index]!.map(({ cpuS }) => rows / cpuS))
    const wall = median(measures[index]!.map(({ wallS }) => rows / wallS))
    first ||= cpu
    const ratio = index === 0 ? '' : `   ours is ${(first / cpu).toFixed(1)}x`
    console.log(`  ${name.padEnd(40)} ${perSecond(cpu)} per CPU-s ${perSecond(wall)} per s${ratio}`)
  }
}

const columns = Object.keys(storedRow()) as (keyof StoredRow)[]

async function duckdb(): Promise<void> {
  const context = { dataDir: folder, clock: manualClock(Date.now()), log: silentLogger }
  const store: Store = await stores.create({ type: 'duckdb' }, context)
  const instance = await DuckDBInstance.create(join(folder, 'naive.duckdb'))
  const connection = await instance.connect()
  const types = columns.map((name) => `"${name}" ${typeof storedRow()[name] === 'string' ? 'VARCHAR' : 'DOUBLE'}`)
  await connection.run(`CREATE TABLE naive (${types.join(', ')}, PRIMARY KEY (site, device, metric, start))`)
  const sql = `INSERT OR REPLACE INTO naive VALUES (${columns.map(() => '?').join(', ')})`
  const naive = async (rows: StoredRow[]) => {
    const statement = await connection.prepare(sql)
    for (const row of rows) {
      statement.bind(columns.map((name) => row[name] ?? null))
      await statement.run()
    }
  }
  await compare(`DuckDB (embedded: its work is in the figure)`, [
    {
      name: `ours, replaced by key, ${batchRows} a batch`,
      rows: batchRows,
      write: (rows) => store.write({ rows, completeness: [] }),
    },
    { name: 'prepared upsert per row', rows: 500, write: naive },
  ])
  await store.close()
  connection.closeSync()
  instance.closeSync()
}

function toPoint(row: StoredRow) {
  const { site, device, metric, start, increase: _none, ...fields } = row
  return { measurement: 'summary_1m', tags: { site, device, metric }, fields, timestamp: start }
}

async function startInfluxd() {
  const port = 18_086 + (process.pid % 1_000)
  const dirs = Object.fromEntries(
    ['META_DIR', 'DATA_DIR', 'DATA_WAL_DIR'].map((name) => [`INFLUXDB_${name}`, join(folder, name)]),
  )
  const quiet = { INFLUXDB_REPORTING_DISABLED: 'true', INFLUXDB_HTTP_LOG_ENABLED: 'false' }
  const binds = { INFLUXDB_BIND_ADDRESS: '127.0.0.1:0', INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${port}` }
  const child = spawn('influxd', ['run', '-config', '/dev/null'], {
    env: { ...dirs, ...quiet, ...binds } as NodeJS.ProcessEnv,
    stdio: 'ignore',
  })
  const failed = once(child, 'error').then(() => undefined)
  for (let tries = 0; tries < 200; tries++) {
    const answer = await Promise.race([fetch(`http://127.0.0.1:${port}/ping`).catch(() => delay(100)), failed])
    if (child.pid === undefined) return undefined
    if (answer instanceof Response && answer.status === 204) return { child, port }
  }
  throw new Error('influxd does not answer')
}

/** CPU seconds that a process has used so far (Linux). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function influxdb(): Promise<void> {
  const server = await startInfluxd()
  if (!server) {
    console.log('\nInfluxDB: influxd is not installed here, so nothing was measured')
    return
  }
  const { child, port } = server
  const context = { dataDir: folder, clock: manualClock(Date.now()), log: silentLogger }
  const open = async (gzip: boolean) => {
    const settings = { type: 'influxdb', url: `http://127.0.0.1:${port}`, database: 'ours', gzip }
    return await stores.create(settings as { type: string }, context)
  }
  const [store, plain] = [await open(true), await open(false)]
  const client = new InfluxDB({ host: '127.0.0.1', port, database: 'naive' })
  await client.createDatabase('naive')
  const served = { ours: 0, naive: 0 }
  const counting = async (side: keyof typeof served, write: () => Promise<unknown>) => {
    const before = cpuOf(child.pid!)
    await write()
    served[side] += cpuOf(child.pid!) - before
  }
  try {
    await compare('InfluxDB 1.x (the client alone)', [
      {
        name: `ours, ${batchRows} a batch, gzip`,
        rows: batchRows,
        write: (rows) => counting('ours', () => store.write({ rows, completeness: [] })),
      },
      {
        name: `ours, ${batchRows} a batch, plain`,
        rows: batchRows,
        write: (rows) => plain.write({ rows, completeness: [] }),
      },
      {
        name: `influx client, ${batchRows} points a batch`,
        rows: batchRows,
        write: (rows) => counting('naive', () => client.writePoints(rows.map(toPoint), { precision: 'ms' })),
      },
      {
        name: 'influx client, a write per point',
        rows: 500,
        write: async (rows) => {
          for (const row of rows) await client.writePoints([toPoint(row)], { precision: 'ms' })
        },
      },
    ])
    const rows = batchRows * (turns + 1)
    const [ours, naive] = [rows / served.ours, rows / served.naive]
    console.log(
      `  influxd meanwhile: ${perSecond(ours)} per CPU-s of ours, ${perSecond(naive)} of the client's batches`,
    )
  } finally {
    child.kill()
    await once(child, 'exit')
  }
}

try {
  await duckdb()
  await influxdb()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
