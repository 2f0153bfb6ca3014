/**
 * Rows per CPU-second into the stores, as the ingest writes them, beside what one would write first: an insert per row
 * into DuckDB, and the `influx` client's points, all fields, in batches of the same size and one by one into InfluxDB.
 * All write the same rows and take turns, whose order is turned round from turn to turn; what a side is given (rows
 * here, points there) is made beforehand. Medians of the turns; ratios are of the two sides of each turn, with the
 * lowest and the highest. CPU is that of this process with all its threads, user and system.
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
import { InfluxDB, type IPoint } from 'influx'
import { stores } from '../cloud-ingest/src/store/index.ts'
import type { Store, StoredRow } from '../cloud-ingest/src/stored.ts'
import { minuteMs, storedRow } from '../cloud-ingest/src/testing/rows.ts'

const turns = 15
const warmUps = 3
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
  /** Makes what is to be written, and returns what writes it. */
  prepare(rows: StoredRow[]): () => Promise<unknown>
}

interface Measure {
  cpuS: number
  wallS: number
}

async function measure(side: Side, turn: number): Promise<Measure> {
  const write = side.prepare(batch(turn, side.rows))
  const [cpu, began] = [process.cpuUsage(), performance.now()]
  await write()
  const { user, system } = process.cpuUsage(cpu)
  return { cpuS: (user + system) / 1e6, wallS: (performance.now() - began) / 1000 }
}

const quantile = (values: number[], q: number) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * q)]!
const median = (values: number[]) => quantile(values, 0.5)
const perSecond = (rate: number) => `${Math.round(rate).toLocaleString('en').padStart(9)} rows`

/** How many times the rows per CPU-second of the other, turn by turn. */
function ratioText(mine: number[], others: number[]): string {
  const ratios = mine.map((rate, turn) => rate / others[turn]!)
  const [middle, low, high] = [median(ratios), quantile(ratios, 0), quantile(ratios, 1)]
  return `${middle.toFixed(1)}x (${low.toFixed(1)} to ${high.toFixed(1)})`
}

/** Side by side in each turn, so that the machine's moods fall on all alike. */
async function compare(title: string, ours: readonly Side[], naive: readonly Side[]): Promise<void> {
  const sides = [...ours, ...naive]
  const measures = new Map(sides.map((side) => [side, [] as Measure[]]))
  for (let turn = -warmUps; turn < turns; turn++) {
    for (const side of turn % 2 === 0 ? sides : sides.toReversed()) {
      const taken = await measure(side, turn + warmUps)
      if (turn >= 0) measures.get(side)!.push(taken)
    }
  }
  const cpuOfSide = (side: Side) => measures.get(side)!.map(({ cpuS }) => side.rows / cpuS)
  console.log(`\n${title}, ${turns} turns`)
  for (const side of sides) {
    const wall = median(measures.get(side)!.map(({ wallS }) => side.rows / wallS))
    console.log(`  ${side.name.padEnd(40)} ${perSecond(median(cpuOfSide(side)))} per CPU-s ${perSecond(wall)} per s`)
  }
  for (const side of ours) {
    for (const other of naive)
      console.log(`  ${side.name} beside ${other.name}: ${ratioText(cpuOfSide(side), cpuOfSide(other))}`)
  }
}

const columns = Object.keys(storedRow()) as (keyof StoredRow)[]

const writing = (store: Store) => (rows: StoredRow[]) => () => store.write({ rows, completeness: [] })

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
  await compare(
    'DuckDB (embedded: its work is in the figure)',
    [{ name: `ours, replaced by key, ${batchRows} a batch`, rows: batchRows, prepare: writing(store) }],
    [{ name: 'prepared upsert per row', rows: 100, prepare: (rows) => () => naive(rows) }],
  )
  await store.close()
  connection.closeSync()
  instance.closeSync()
}

function toPoint(row: StoredRow): IPoint {
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
  const oneByOne = async (points: IPoint[]) => {
    for (const point of points) await client.writePoints([point], { precision: 'ms' })
  }
  const served = { ours: 0, naive: 0 }
  const counting = (side: keyof typeof served, write: () => Promise<unknown>) => async () => {
    const before = cpuOf(child.pid!)
    await write()
    served[side] += cpuOf(child.pid!) - before
  }
  try {
    await compare(
      'InfluxDB 1.x (the client alone)',
      [
        { name: 'ours, plain', rows: batchRows, prepare: writing(plain) },
        { name: 'ours, gzip', rows: batchRows, prepare: (rows) => counting('ours', writing(store)(rows)) },
      ],
      [
        {
          name: `writePoints, ${batchRows} a batch`,
          rows: batchRows,
          prepare(rows) {
            const points = rows.map(toPoint)
            return counting('naive', () => client.writePoints(points, { precision: 'ms' }))
          },
        },
        {
          name: 'writePoints, one by one',
          rows: 100,
          prepare(rows) {
            const points = rows.map(toPoint)
            return () => oneByOne(points)
          },
        },
      ],
    )
    const rows = batchRows * (turns + warmUps)
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
